import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { IMAGES } from './container-images.ts';
import { type Engine, NO_ENGINE, startContainers } from './containers.ts';
import { beginLane, localOnly } from './containers-lane.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

const setup = (change: Partial<Engine> = {}) => {
  const stopped: string[] = [];
  const container = (address: string) => () =>
    Promise.resolve({ address, stop: () => Promise.resolve(stopped.push(address)) });
  const engine: Engine = {
    greet: () => Promise.resolve(),
    postgres: container('postgres://osago:osago@docker:1/osago'),
    kafka: container('docker:2'),
    redis: container('redis://docker:3'),
    ...change,
  };
  return { engine, stopped };
};

describe('startContainers', () => {
  test('gives the addresses in the form of the local parts, and stops in their order', async () => {
    const { engine, stopped } = setup();
    const parts = await startContainers(engine);
    expect(parts).toMatchObject({
      databaseUrl: 'postgres://osago:osago@docker:1/osago',
      kafkaBrokers: ['docker:2'],
      redisUrl: 'redis://docker:3',
      own: [],
    });
    await parts.stop();
    expect(stopped).toEqual(['redis://docker:3', 'docker:2', 'postgres://osago:osago@docker:1/osago']);
  });

  test('stops the others when one cannot be started, and says why', async () => {
    const { engine, stopped } = setup({ kafka: () => Promise.reject(new Error('no such image')) });
    await expect(startContainers(engine)).rejects.toThrow('A container could not be started: no such image');
    expect(stopped).toHaveLength(2);
  });

  test('without an engine is one sentence', async () => {
    const { engine } = setup({ greet: () => Promise.reject(new Error('connect ENOENT /var/run/docker.sock')) });
    await expect(startContainers(engine)).rejects.toMatchObject({ name: 'PartError', message: NO_ENGINE });
  });
});

test('the images are those of docker-compose.yml', () => {
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as {
    services: Record<keyof typeof IMAGES, { image: string }>;
  };
  const { postgres, kafka, redis } = services;
  expect(IMAGES).toEqual({ postgres: postgres.image, kafka: kafka.image, redis: redis.image });
});

describe('the lane of containers', () => {
  test('leaves out the infra tests that start parts of their own, and no other', () => {
    const files = localOnly(ROOT);
    expect(files).toContain('libs/event-bus/src/outages.infra.test.ts');
    expect(files).toContain('tools/local-parts/src/restart.infra.test.ts');
    expect(files).not.toContain('tools/local-parts/src/local-parts.infra.test.ts');
    expect(files).not.toContain('libs/event-bus/src/kafkajs-event-bus.infra.test.ts');
  });

  const begin = async (greet: Engine['greet']) => {
    const told = { said: [] as string[], complained: [] as string[] };
    const say = (text: string): void => void told.said.push(text);
    const complain = (text: string): void => void told.complained.push(text);
    return { begins: await beginLane({ greet }, ['a.infra.test.ts'], { say, complain }), ...told };
  };

  test('says what it leaves out where an engine answers', async () => {
    const said = [expect.stringMatching(/^── not in this lane[^]*\n   a\.infra\.test\.ts$/)];
    expect(await begin(() => Promise.resolve())).toEqual({ begins: true, said, complained: [] });
  });

  test('does not begin, and says one sentence, where none answers', async () => {
    const found = await begin(() => Promise.reject(new Error('ENOENT')));
    expect(found).toEqual({ begins: false, said: [], complained: [NO_ENGINE] });
  });
});
