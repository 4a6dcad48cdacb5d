import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLog } from './log.ts';
import { type Closeable, runServices, type Service } from './service.ts';

type Ending = 'ends' | 'fails';

/** What happened, in order, to services and closeables that the test lets end when it likes. */
const setup = () => {
  const story: string[] = [];
  const lines: { msg: string; service?: string }[] = [];
  const log = createLog('test', 'info', {
    write: (line) => void lines.push(JSON.parse(line) as { msg: string; service?: string }),
  });
  const endings = new Map<string, (ending: Ending) => void>();
  /** Drains in the microtasks after it is asked to, unless it is `slow`: then when the test says so. */
  const service = (name: string, { slow = false } = {}): Service => ({
    name,
    run: async (signal) => {
      story.push(`${name} runs`);
      const { promise, resolve } = Promise.withResolvers<Ending>();
      endings.set(name, resolve);
      signal.addEventListener('abort', () => {
        story.push(`${name} is asked`);
        if (!slow) resolve('ends');
      });
      const ending = await promise;
      story.push(`${name} ${ending}`);
      if (ending === 'fails') throw new Error(`${name} broke`);
    },
  });
  const closeable = (name: string, close: () => Promise<void> = () => Promise.resolve()): Closeable => ({
    close: () => (story.push(`${name} closes`), close()),
  });
  const end = (name: string, ending: Ending = 'ends'): void => endings.get(name)?.(ending);
  return { story, lines, log, service, closeable, end };
};

const STOP_TIMEOUT_MS = 30_000;

describe('runServices', () => {
  test('stops the services in their order, each after the former has drained, and then closes', async () => {
    const { story, log, service, closeable, end } = setup();
    const stop = new AbortController();
    const running = runServices([service('http', { slow: true }), service('relay')], {
      log,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      closeLast: [closeable('bus'), closeable('pool')],
      stop: stop.signal,
    });
    stop.abort();
    await new Promise(setImmediate);
    expect(story).toEqual(['http runs', 'relay runs', 'http is asked']);
    end('http');
    expect(await running).toBe('stopped');
    expect(story.slice(3)).toEqual(['http ends', 'relay is asked', 'relay ends', 'bus closes', 'pool closes']);
  });

  test.each<[Ending, string]>([
    ['ends', 'service ended without being asked to'],
    ['fails', 'service failed'],
  ])('stops the rest when one %s, and has failed', async (ending, says) => {
    const { story, lines, log, service, closeable, end } = setup();
    const running = runServices([service('one'), service('two'), service('three')], {
      log,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      closeLast: [closeable('bus')],
    });
    end('two', ending);
    expect(await running).toBe('failed');
    expect(lines).toMatchObject([{ msg: says, service: 'two' }]);
    expect(story.slice(3)).toEqual([
      `two ${ending}`, 'one is asked', 'one ends', 'two is asked', 'three is asked', 'three ends', 'bus closes',
    ]);
  });

  test('has failed when a service breaks while it drains', async () => {
    const { log, service, end } = setup();
    const stop = new AbortController();
    const running = runServices([service('one', { slow: true })], { log, stopTimeoutMs: STOP_TIMEOUT_MS, stop: stop.signal });
    stop.abort();
    end('one', 'fails');
    expect(await running).toBe('failed');
  });

  test('stops the others when one throws before it runs', async () => {
    const { story, log, service } = setup();
    const broken: Service = { name: 'broken', run: () => { throw new Error('no port'); } };
    expect(await runServices([service('one'), broken], { log, stopTimeoutMs: STOP_TIMEOUT_MS })).toBe('failed');
    expect(story).toEqual(['one runs', 'one is asked', 'one ends']);
  });

  test.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Error('gone'))],
    ['throws', () => { throw new Error('gone'); }],
  ])('has failed when a close %s, and closes the rest', async (_, close) => {
    const { story, lines, log, service, closeable } = setup();
    const result = await runServices([service('one')], {
      log,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      closeLast: [closeable('bus', close), closeable('pool')],
      stop: AbortSignal.abort(),
    });
    expect(result).toBe('failed');
    expect(story.slice(-2)).toEqual(['bus closes', 'pool closes']);
    expect(lines).toMatchObject([{ msg: 'could not close' }]);
  });

  test('starts and stops the services when it is asked to stop before the start', async () => {
    const { story, log, service } = setup();
    const result = await runServices([service('one')], { log, stopTimeoutMs: STOP_TIMEOUT_MS, stop: AbortSignal.abort() });
    expect(result).toBe('stopped');
    expect(story).toEqual(['one runs', 'one is asked', 'one ends']);
  });

  test('waits for its stop when it has nothing to run', async () => {
    const { log } = setup();
    const stop = new AbortController();
    const running = runServices([], { log, stopTimeoutMs: STOP_TIMEOUT_MS, stop: stop.signal });
    stop.abort();
    expect(await running).toBe('stopped');
  });

  test('whatever ends when, everything is asked once, in order, and then closed', async () => {
    const NAMES = ['a', 'b', 'c', 'd'];
    const happening = fc.constantFrom('stop', ...NAMES.map((name) => `end ${name}`), ...NAMES.map((name) => `fail ${name}`), 'turn');
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 12 }), async (happenings) => {
        const { story, log, service, closeable, end } = setup();
        const stop = new AbortController();
        const running = runServices(NAMES.map((name) => service(name)), {
          log,
          stopTimeoutMs: STOP_TIMEOUT_MS,
          closeLast: [closeable('pool')],
          stop: stop.signal,
        });
        for (const what of happenings) {
          const [verb, name = ''] = what.split(' ');
          if (verb === 'stop') stop.abort();
          else if (verb === 'turn') await new Promise(setImmediate);
          else end(name, verb === 'end' ? 'ends' : 'fails');
        }
        stop.abort();
        const result = await running;
        expect(story.filter((line) => line.endsWith('is asked'))).toEqual(NAMES.map((name) => `${name} is asked`));
        expect(story.at(-1)).toBe('pool closes');
        if (!happenings.some((what) => /^(end|fail) /.test(what))) expect(result).toBe('stopped');
        if (story.some((line) => line.endsWith('fails'))) expect(result).toBe('failed');
      }),
      { numRuns: 200 },
    );
  });
});
