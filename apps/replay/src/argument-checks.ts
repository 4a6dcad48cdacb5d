/** Reads single options; the first fault is kept, in a sentence for the person who typed it. */
import { QUOTE_STATUSES, type QuoteStatus, REQUEST_STATUSES, type RequestStatus } from '@osago/contracts';
import { MOMENT_SHAPE, parseMoment } from './moment.ts';

export interface OffsetSpan {
  readonly from: bigint;
  /** Not included. */
  readonly to: bigint;
}

export type Status = QuoteStatus | RequestStatus;

/** Of quotes and of requests, each once. */
export const STATUSES: readonly Status[] = [...new Set<Status>([...QUOTE_STATUSES, ...REQUEST_STATUSES])];
export const isStatus = (text: string): text is Status => STATUSES.some((status) => status === text);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SLUG = /^[a-z][a-z0-9-]{0,31}$/;
const WHOLE = /^\d{1,9}$/;
const SPAN = /^(\d{1,15})\.\.(\d{1,15})$/;

export class Check {
  readonly nowMs: number;
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;
  fault: string | undefined;

  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(
    values: Readonly<Record<string, string | boolean | undefined>>,
    nowMs: number,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#values = values;
    this.nowMs = nowMs;
    this.#environment = environment;
  }

  environment(name: string): string | undefined {
    return this.#environment[name] || undefined;
  }

  refuse(because: string): void {
    this.fault ??= because;
  }

  flag(option: string): boolean {
    return this.#values[option] === true;
  }

  text(option: string): string | undefined {
    const value = this.#values[option];
    if (value === '') this.refuse(`--${option} is empty`);
    return typeof value === 'string' ? value : undefined;
  }

  required(option: string): string {
    const value = this.text(option);
    if (value === undefined) this.refuse(`--${option} is missing`);
    return value ?? '';
  }

  moment(option: string): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const ms = parseMoment(text, this.nowMs);
    if (ms === undefined) this.refuse(`--${option} ${text} is not ${MOMENT_SHAPE}`);
    return ms;
  }

  whole(option: string): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    if (!WHOLE.test(text)) this.refuse(`--${option} ${text} is not a whole number of up to 9 digits`);
    return Number(text);
  }

  insurer(option: string): string | undefined {
    const text = this.text(option);
    if (text !== undefined && !SLUG.test(text)) this.refuse(`--${option} ${text} is not the short name of an insurer`);
    return text;
  }

  requestId(text: string | undefined): string {
    if (text === undefined) this.refuse('A request id is missing');
    else if (!UUID.test(text)) this.refuse(`"${text}" is not a request id: they are UUIDs`);
    return text ?? '';
  }

  span(option: string): OffsetSpan | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const [, from = '', to = ''] = SPAN.exec(text) ?? [];
    if (from === '' || BigInt(to) <= BigInt(from)) {
      this.refuse(`--${option} ${text} is not a span of offsets such as 120..180`);
      return undefined;
    }
    return { from: BigInt(from), to: BigInt(to) };
  }
}
