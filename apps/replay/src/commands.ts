/** Carries out one command. Answers with the exit code; the words go to `out`. */
import { writeFile } from 'node:fs/promises';
import type { EventBus, LogReader } from '@osago/event-bus';
import type { Clock } from '@osago/service-kit';
import { answerCsv, answerNdjson, answerTable } from './answer-text.ts';
import type { Command } from './arguments.ts';
import type { Database } from './database.ts';
import type { Duck } from './duck.ts';
import { exportRecords } from './export.ts';
import { listLine, listRequests } from './list.ts';
import type { Window } from './reading.ts';
import { pagePicture } from './page-picture.ts';
import type { Progress } from './progress.ts';
import { ReplayError, StoppedError } from './replay-error.ts';
import { reportHtml } from './report.ts';
import { requestAt } from './request-at.ts';
import { readRequest, type RequestLog } from './request-log.ts';
import { duckOverExport, duckOverTopics, readyQuestion, readyQuestions } from './sql.ts';
import { followTopics, tailJson, tailLine } from './tail.ts';
import { timelineHtml } from './timeline-html.ts';
import { outcomeText, timelineText } from './timeline-text.ts';
import { timelineOf } from './timeline.ts';
import { RULES } from './verify-rules.ts';
import { verify } from './verify.ts';

export interface CommandDeps {
  readonly bus: EventBus;
  readonly reader: LogReader;
  readonly database: Database | undefined;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly out: (text: string) => void;
}

type Of<N extends Command['name']> = Extract<Command, { name: N }>;

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

export const runCommand = async (deps: CommandDeps, command: Command): Promise<number> => {
  switch (command.name) {
    case 'tail':
      return tail(deps, command);
    case 'show':
      return show(deps, command);
    case 'at':
      return at(deps, command);
    case 'list':
      return list(deps, command);
    case 'verify':
      return verifyAll(deps, command);
    case 'export':
      return exportAll(deps, command);
    case 'sql':
      return sql(deps, command);
    case 'report':
      return report(deps, command);
  }
};

const tail = async ({ bus, clock, signal, json, out }: CommandDeps, { insurer, status, requestId }: Of<'tail'>) => {
  const filters = { insurer, status, requestId };
  await followTopics(bus, { filters, fromMs: clock.nowMs(), signal }, (decoded) =>
    out(`${json ? tailJson(decoded) : tailLine(decoded)}\n`),
  );
  return 0;
};

/** The database, where it answers, knows where a request lives; without it the whole partition is read. */
const findLog = (
  { database, ...deps }: CommandDeps,
  requestId: string,
  window: { partition: number | undefined; fromMs: number; toMs: number | undefined },
): Promise<RequestLog> => {
  const findPlace = (id: string) => database?.findPlace(id).catch(() => undefined) ?? Promise.resolve(undefined);
  return readRequest({ ...deps, findPlace }, requestId, window);
};

const notFound = (requestId: string, partition: number): ReplayError =>
  new ReplayError(`The log has no request ${requestId} on partition ${partition}; --partition looks on another`);

const show = async (deps: CommandDeps, command: Of<'show'>): Promise<number> => {
  const log = await findLog(deps, command.requestId, command);
  const timeline = timelineOf(log.events, deps.clock.nowMs());
  if (timeline === undefined) throw notFound(command.requestId, log.partition);
  if (command.html !== undefined) await writeFile(command.html, timelineHtml(timeline));
  if (deps.json) deps.out(line(timeline));
  else deps.out(command.html === undefined ? timelineText(timeline) : `written: ${command.html}\n`);
  return 0;
};

const at = async (deps: CommandDeps, { requestId, atMs, partition }: Of<'at'>): Promise<number> => {
  const log = await findLog(deps, requestId, { partition, fromMs: 0, toMs: atMs + 1 });
  const shown = requestAt(log.events, atMs);
  const moment = new Date(atMs).toISOString();
  if (shown.kind === 'not-shown') {
    throw new ReplayError(`At ${moment} nothing was shown of ${requestId} (partition ${log.partition})`);
  }
  const { view } = shown;
  if (deps.json) {
    deps.out(line(view));
    return 0;
  }
  deps.out(`${requestId} at ${moment}: ${view.status}, ${view.progress.answered} of ${view.progress.total} answered\n`);
  for (const quote of view.quotes) deps.out(`  ${quote.insurer_id.padEnd(20)}  ${outcomeText(quote)}\n`);
  return 0;
};

const list = async (deps: CommandDeps, options: Of<'list'>): Promise<number> => {
  // Every line begins with its time. For people all are put in order; for programs they come as they are found.
  const lines: string[] = [];
  await listRequests({ ...deps, nowMs: deps.clock.nowMs() }, options, (request) => {
    const { partition, offset, view } = request;
    if (deps.json) deps.out(line({ partition, offset: Number(offset), ...view }));
    else lines.push(`${listLine(request)}\n`);
  });
  deps.out(lines.sort().join(''));
  return 0;
};

const verifyAll = async (deps: CommandDeps, command: Of<'verify'>): Promise<number> => {
  const database = command.topicsOnly ? undefined : deps.database;
  if (database === undefined && !command.topicsOnly) {
    throw new ReplayError('verify needs --database (or DATABASE_URL); --topics-only leaves the database out');
  }
  const { records, requests, repeated, violations } = await verify({ ...deps, database }, command);
  for (const violation of violations) {
    const { rule, request_id, place, says } = violation;
    const text = `${rule}  ${place ?? '-'}  ${request_id ?? '-'}  ${says}\n`;
    deps.out(deps.json ? line({ ...violation, means: RULES[rule] }) : text);
  }
  const found = violations.length === 0 ? 'nothing is wrong' : `${violations.length} violations`;
  if (!deps.json) deps.out(`${requests} requests, ${records} records (${repeated} repeated): ${found}\n`);
  return violations.length === 0 ? 0 : 1;
};

const exportAll = async (deps: CommandDeps, command: Of<'export'>): Promise<number> => {
  const exported = await exportRecords(deps, command);
  const { records, total, format, isResumed, finished, decrypted } = exported;
  const state = finished ? 'whole' : 'stopped, the same call goes on';
  deps.out(
    deps.json
      ? line({ out: command.out, ...exported })
      : `${command.out}: ${records} records as ${format}${isResumed ? `, ${total} with what was there` : ''}; ${state}\n`,
  );
  if (decrypted !== undefined && decrypted.unopened > 0 && !deps.json) {
    deps.out(`${decrypted.unopened} applications could not be opened: their keys are not in the file, or they were changed\n`);
  }
  if (!finished) throw new StoppedError();
  return 0;
};

const openDuck = (
  deps: CommandDeps,
  { exportDir, ...window }: Window & { readonly exportDir?: string | undefined },
): Promise<Duck> => {
  const nowMs = deps.clock.nowMs();
  return exportDir === undefined ? duckOverTopics(deps, window, nowMs) : duckOverExport(exportDir, nowMs, deps.signal);
};

const sql = async (deps: CommandDeps, command: Of<'sql'>): Promise<number> => {
  if (command.ready === 'list') {
    const all = await readyQuestions();
    for (const { name, says } of all) deps.out(deps.json ? line({ name, says }) : `${name.padEnd(32)}${says}\n`);
    return 0;
  }
  const question = command.ready === undefined ? (command.query ?? '') : (await readyQuestion(command.ready)).sql;
  const duck = await openDuck(deps, command);
  try {
    const answer = await duck.ask(question);
    if (deps.json) deps.out(answerNdjson(answer));
    else deps.out(command.csv ? answerCsv(answer) : answerTable(answer));
  } finally {
    await duck.close();
  }
  return 0;
};

const report = async (deps: CommandDeps, { out, png, fromMs, toMs }: Of<'report'>): Promise<number> => {
  const duck = await openDuck(deps, { fromMs, toMs });
  try {
    const html = await reportHtml(duck, { fromMs, toMs: toMs ?? deps.clock.nowMs() });
    await writeFile(out, html);
    if (png !== undefined) await writeFile(png, await pagePicture(html));
  } finally {
    await duck.close();
  }
  const files = png === undefined ? [out] : [out, png];
  deps.out(deps.json ? line({ out, png }) : `written: ${files.join(', ')}\n`);
  return 0;
};
