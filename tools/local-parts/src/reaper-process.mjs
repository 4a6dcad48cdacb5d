/**
 * Ends what its parent started, however the parent itself ended: kill -9 and a closed terminal included. The parent
 * holds a pipe to the standard input of this process and tells it `start <pid>`, `end <pid>` and `remove <folder>`;
 * the end of that pipe is the end of the parent. TERM goes to each process group first, KILL after the grace.
 */
import { rmSync } from 'node:fs';

const graceMs = Number(process.argv[2]);
const POLL_MS = 50;

/** @type {Set<number>} */
const pids = new Set();
/** @type {Set<string>} */
const folders = new Set();

/** @param {number} pid @param {NodeJS.Signals | 0} signal */
const tell = (pid, signal) => {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** @param {string} line */
const obey = (line) => {
  const [word, rest] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
  if (word === 'start') pids.add(Number(rest));
  else if (word === 'end') pids.delete(Number(rest));
  else if (word === 'remove') folders.add(rest);
};

const reap = async () => {
  for (const pid of pids) tell(pid, 'SIGTERM');
  const killAt = Date.now() + graceMs;
  const left = () => [...pids].filter((pid) => tell(pid, 0));
  while (left().length > 0 && Date.now() < killAt) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  for (const pid of left()) tell(pid, 'SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
};

// Whoever signals everything at once must not take the one that cleans up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

let text = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  text += chunk;
  const lines = text.split('\n');
  text = lines.pop() ?? '';
  lines.forEach(obey);
});
process.stdin.once('close', () => void reap());
