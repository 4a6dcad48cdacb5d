/** nginx with the configuration that operators get (config/nginx/osago.conf), on a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { request } from 'node:https';
import { makeCertificate } from './certificate.ts';
import { findNginx } from './nginx-binary.ts';
import { newDir, ROOT, until } from './platform.ts';

const CONFIGURATION = join(ROOT, 'config/nginx/osago.conf');
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export interface Nginx {
  url: string;
  log(): string;
  stop(): Promise<void>;
}

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/** What an operator would change, and nothing else. */
const adapted = (dir: string, port: number, pods: readonly string[]): string => {
  let text = readFileSync(CONFIGURATION, 'utf8');
  const replace = (what: RegExp, by: string): void => {
    if (!what.test(text)) throw new Error(`${CONFIGURATION} has nothing like ${String(what)}`);
    text = text.replace(what, by);
  };
  const servers = pods.map((pod) => `    server ${new URL(pod).host} max_fails=1 fail_timeout=2s;\n`);
  replace(/(?: *server [\d.:]+ .*\n)+/, servers.join(''));
  replace(/listen 443/, `listen 127.0.0.1:${port}`);
  replace(/\/etc\/nginx\/osago\.crt/, join(dir, 'osago.crt'));
  replace(/\/etc\/nginx\/osago\.key/, join(dir, 'osago.key'));
  replace(/\/var\/log\/nginx\/osago\.log/, join(dir, 'osago.log'));
  replace(/\/var\/log\/nginx\/osago-error\.log/, join(dir, 'osago-error.log'));
  return text;
};

const main = (dir: string): string => `
  user ${userInfo().username};
  worker_processes 1;
  daemon off;
  pid ${join(dir, 'nginx.pid')};
  error_log stderr crit;
  events { worker_connections 512; }
  http {
    ${TEMPORARY.map((name) => `${name}_temp_path ${join(dir, name)};`).join('\n    ')}
    include ${join(dir, 'osago.conf')};
  }`;

const answers = (url: string): Promise<true> =>
  new Promise((resolve, reject) => {
    request(url, { rejectUnauthorized: false, method: 'HEAD' }, (answer) => {
      answer.resume();
      resolve(true);
    })
      .once('error', reject)
      .end();
  });

/** `pods` are the origins behind it. */
export const startNginx = async (pods: readonly string[]): Promise<Nginx> => {
  const { path, env } = await findNginx();
  const dir = newDir();
  const port = await freePort();
  const { certificate, key } = makeCertificate(Date.now());
  for (const name of TEMPORARY) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'osago.crt'), certificate);
  writeFileSync(join(dir, 'osago.key'), key);
  writeFileSync(join(dir, 'osago.conf'), adapted(dir, port, pods));
  writeFileSync(join(dir, 'nginx.conf'), main(dir));
  const child: ChildProcess = spawn(path, ['-p', dir, '-c', join(dir, 'nginx.conf')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      complaints += error.message;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const url = `https://127.0.0.1:${port}`;
  await until('nginx answers', () => answers(url), 10_000).catch(async (error: unknown) => {
    await stop();
    throw new Error(`nginx did not start: ${complaints}`, { cause: error });
  });
  return { url, log: () => readFileSync(join(dir, 'osago.log'), 'utf8'), stop };
};
