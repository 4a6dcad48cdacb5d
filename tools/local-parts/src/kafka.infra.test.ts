import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Children } from './child.ts';
import { formatArguments } from './kafka.ts';
import { fetched, kafkaJars } from './maven.ts';

test('Kafka takes a cluster id that starts with a dash', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'osago-format-'));
  const config = join(dir, 'server.properties');
  writeFileSync(
    config,
    [
      'process.roles=broker,controller',
      'node.id=1',
      'controller.quorum.voters=1@127.0.0.1:1',
      'listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1',
      'controller.listener.names=CONTROLLER',
      `log.dirs=${join(dir, 'log')}`,
    ].join('\n'),
  );
  const children = new Children({ logDir: join(dir, 'logs') });
  const root = join(import.meta.dirname, '..', '..', '..');
  const jars = await fetched(kafkaJars, { children, root });
  await children.close();
  const args = ['-cp', `${jars}/*`, 'kafka.tools.StorageTool', ...formatArguments('-h8kqIvTQ0uC5v1m3Yk0Xw', config)];
  const { status, stderr } = spawnSync('java', args, { encoding: 'utf8' });
  rmSync(dir, { recursive: true });
  expect({ status, stderr }).toMatchObject({ status: 0 });
}, 120_000);
