/**
 * Insurers whose answer to a first attempt and to a second one is fixed, and who remember who asked what and when: so a
 * test can say on their side what a retry, a cancel and a pause did.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const BASE_RATE_KOPECKS = 400_000;
const FACTORS = { kt: 1.8, kbm: 0.91, kvs: 1, ko: 1, km: 1.2, ks: 1 };
/** How soon they want to be polled again, so that a poll that should not come would come soon. */
const POLL_AGAIN_S = '0.3';
const DAY_MS = 86_400_000;

interface Quote {
  premium_kopecks: number;
  valid_until?: string;
  extras?: { name: string; premium_kopecks: number; mandatory: boolean }[];
  pool?: boolean;
  drivers?: { driver: number; kvs: number; kbm: number }[];
  prolongation?: boolean;
  prolongation_from_other?: boolean;
}

type Answer =
  | { status: 'pending' }
  | { status: 'ready' | 'estimated'; quote: Quote }
  | { status: 'needs_data'; missing_fields: string[] }
  | { status: 'declined' | 'failed'; reason: { code: string; message?: string } };

const PENDING: Answer = { status: 'pending' };
const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();
const ready = (premiumKopecks: number, rest: Partial<Quote> = {}): Answer => ({
  status: 'ready',
  quote: { premium_kopecks: premiumKopecks, valid_until: fromNow(DAY_MS), ...rest },
});

/** What of an application their answers and the tests look at. */
export interface Application {
  vehicle: { vin?: string; body_number?: string };
  owner: object;
  drivers: object[];
  prolongation?: { insurer_id?: string };
}

/** A renewal at the one that issued the policy, a take-over elsewhere. */
const renewing = (insurerId: string, { prolongation }: Application): Partial<Quote> =>
  prolongation === undefined
    ? {}
    : { prolongation: prolongation.insurer_id === insurerId, prolongation_from_other: prolongation.insurer_id !== insurerId };

interface Asked {
  attempt: number;
  /** How often it has been polled, 0 while it is posted. */
  polls: number;
  application: Application;
}

export const WANTED_FIELD = '/vehicle/body_number';

interface Insurer {
  name: string;
  deadlineMs?: number;
  answer: (asked: Asked) => Answer;
}

/** In the order of the panel. */
export const INSURERS = {
  prompt: {
    name: 'Мгновение-Полис',
    answer: ({ application }) =>
      ready(786_240, {
        pool: true,
        extras: [{ name: 'Несчастный случай', premium_kopecks: 90_000, mandatory: true }],
        drivers: application.drivers.map((_, driver) => ({ driver, kvs: driver === 0 ? 1 : 0.93, kbm: 0.91 })),
        ...renewing('prompt', application),
      }),
  },
  wants: {
    name: 'Вопрос-Гарант',
    answer: ({ application, attempt }) =>
      attempt === 1 || application.vehicle.body_number === undefined
        ? { status: 'needs_data', missing_fields: [WANTED_FIELD] }
        : ready(742_100),
  },
  silent: {
    name: 'Тишина-Страх',
    deadlineMs: 8_000,
    answer: ({ attempt }) => (attempt === 1 ? PENDING : ready(801_550)),
  },
  fails: {
    name: 'Сбой-Защита',
    answer: ({ attempt, polls }) => {
      if (attempt > 1) return ready(790_000);
      return polls === 0 ? PENDING : { status: 'failed', reason: { code: 'broken' } };
    },
  },
  estimates: {
    name: 'Прикидка',
    answer: ({ application, polls }) => {
      if (polls < 2) return PENDING;
      if (polls < 6) return { status: 'estimated', quote: { premium_kopecks: 700_000 } };
      return ready(731_025, renewing('estimates', application));
    },
  },
  brief: { name: 'Мимолёт', answer: () => ready(512_300, { valid_until: fromNow(1_000) }) },
  declines: { name: 'Отказ-Щит', answer: () => ({ status: 'declined', reason: { code: 'segment' } }) },
  patient: { name: 'Вечность', answer: () => PENDING },
} as const satisfies Readonly<Record<string, Insurer>>;

export type InsurerId = keyof typeof INSURERS;

interface Kept {
  application: Asked['application'];
  attempt: number;
  posts: number;
  pollsAtMs: number[];
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

export class InsurersThatRemember {
  /** By idempotency key. */
  readonly #kept = new Map<string, Kept>();
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  /** The content of an insurers file, in which more may follow. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return Object.entries<Insurer>(INSURERS)
      .map(([id, { deadlineMs = 60_000, name }]) => {
        const entry = { insurer_id: id, name, base_url: `${origin}/${id}`, deadline_ms: deadlineMs, post_timeout_ms: 30_000 };
        return `- ${JSON.stringify(entry)}\n`;
      })
      .join('');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The keys under which one insurer was asked for one request, a repeated POST by its key again. */
  keysOf(requestId: string, insurer: InsurerId): string[] {
    const own = [...this.#kept].filter(([key]) => key === `${requestId}:${insurer}` || key.startsWith(`${requestId}:${insurer}:`));
    return own.flatMap(([key, { posts }]) => Array.from({ length: posts }, () => key));
  }

  applicationOf(key: string): Asked['application'] | undefined {
    return this.#kept.get(key)?.application;
  }

  pollsAtMs(key: string): readonly number[] {
    return this.#kept.get(key)?.pollsAtMs ?? [];
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = '', route = '', applicationId = ''] = (request.url ?? '').split('/');
    const text = await bodyOf(request);
    const key = route === 'quotes' ? decodeURIComponent(applicationId) : String(request.headers['idempotency-key']);
    const kept = route === 'quotes' ? this.#kept.get(key) : this.#post(key, text);
    if (kept === undefined || !(id in INSURERS)) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    if (route === 'quotes') kept.pollsAtMs.push(Date.now());
    const { application, attempt, pollsAtMs } = kept;
    const answer = INSURERS[id as InsurerId].answer({ application, attempt, polls: pollsAtMs.length });
    this.#send(response, { key, isPosted: route !== 'quotes' }, answer);
  }

  #post(key: string, text: string): Kept {
    const { application } = JSON.parse(text) as { application: Asked['application'] };
    const [, , attempt = '1'] = key.split(':');
    const kept = this.#kept.get(key) ?? { application, attempt: Number(attempt), posts: 0, pollsAtMs: [] };
    kept.posts += 1;
    this.#kept.set(key, kept);
    return kept;
  }

  #send(response: ServerResponse, { key, isPosted }: { key: string; isPosted: boolean }, answer: Answer): void {
    const isRefusal = answer.status === 'declined' || answer.status === 'needs_data';
    const status = !isPosted ? 200 : isRefusal ? 422 : answer.status === 'pending' ? 201 : 200;
    const quote = 'quote' in answer && { quote: { base_rate_kopecks: BASE_RATE_KOPECKS, coefficients: FACTORS, ...answer.quote } };
    response
      .writeHead(status, {
        'content-type': 'application/json',
        ...((answer.status === 'pending' || answer.status === 'estimated') && { 'retry-after': POLL_AGAIN_S }),
      })
      .end(JSON.stringify({ application_id: key, ...answer, ...quote }));
  }
}
