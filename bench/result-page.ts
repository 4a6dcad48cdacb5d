/** A result that is kept: what `report` wrote, and the conditions under which it was measured. */
import { type Static, Type } from '@sinclair/typebox';

export const Result = Type.Object({
  name: Type.String({ pattern: '^[a-z][a-z0-9-]*$' }),
  at: Type.String(),
  node: Type.String(),
  cpus: Type.Integer({ minimum: 1 }),
  /** Of a run that proves only that the bench works: it is not kept. */
  quick: Type.Optional(Type.Boolean()),
  rows: Type.Array(
    Type.Object({
      metric: Type.String(),
      unit: Type.String(),
      ours: Type.Union([Type.Number(), Type.Null()]),
      floor: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
      ratio: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
      spread: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
      goal: Type.Optional(Type.String()),
      met: Type.Optional(Type.Boolean()),
    }),
    { minItems: 1 },
  ),
});
export type Result = Static<typeof Result>;

export interface Conditions {
  readonly command: string;
  readonly commit: string;
  readonly cpuModel: string;
  readonly memoryGb: number;
  readonly os: string;
  readonly kafka: string;
  readonly postgres: string;
}

export interface KeptResult extends Result {
  readonly conditions: Conditions;
}

const short = (value: number | null | undefined): string => {
  if (value === undefined || value === null) return '';
  if (Math.abs(value) >= 1_000) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
};

const percent = (share: number | null | undefined): string =>
  share === undefined || share === null ? '' : `${(share * 100).toFixed(0)} %`;

const cell = (text: string): string => text.trim().replaceAll('|', '\\|');

/** The page in Markdown; the same result makes the same page. */
export const pageOf = ({ name, at, node, cpus, rows, conditions }: KeptResult): string => {
  const { command, commit, cpuModel, memoryGb, os, kafka, postgres } = conditions;
  const missed = rows.filter(({ met }) => met === false).length;
  const judged = rows.filter(({ met }) => met !== undefined).length;
  return [
    `# ${name}`,
    '',
    'Written by `npm run bench:record`. Read ratios, not absolutes.',
    '',
    `- **Command:** \`${command}\` at commit ${commit}`,
    `- **When:** ${at}`,
    `- **Machine:** ${cpus} × ${cpuModel}, ${memoryGb} GB, ${os}`,
    `- **Versions:** Node ${node.replace(/^v/, '')}, Kafka ${kafka}, Postgres ${postgres}`,
    `- **Goals:** ${judged === 0 ? 'none' : `${judged - missed} of ${judged} met`}`,
    '',
    '| metric | unit | ours | floor | ratio | spread | goal | |',
    '|---|---|--:|--:|--:|--:|---|---|',
    ...rows.map(({ metric, unit, ours, floor, ratio, spread, goal, met }) => {
      const judgement = met === undefined ? '' : met ? 'met' : '**missed**';
      const cells = [cell(metric), cell(unit), short(ours), short(floor), short(ratio), percent(spread), cell(goal ?? ''), judgement];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
  ].join('\n');
};
