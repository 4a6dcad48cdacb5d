/**
 * Ten insurers that all quote, each at its own time after it was asked: what a page shows in the end is known, and so is
 * when. They keep nothing: an application's id says when it is ready.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The last one takes its time, so that for longer than 30 s nothing comes but heartbeats. */
const READY_AFTER_MS = [300, 700, 1_200, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000];
const LAST_READY_AFTER_MS = { usual: 9_000, patient: 50_000 };
/** Between the estimate and the quote. */
const ESTIMATE_MS = 500;
export const INSURER_COUNT = READY_AFTER_MS.length + 1;

/** The e-mail address of applications whose last quote is late, but within the deadline. */
export const PATIENT_EMAIL = 'patient@example.com';

const quote = { premium_kopecks: 512_300, base_rate_kopecks: 400_000 };

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

export class TimedInsurers {
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  /** The content of an insurers file. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    const entry = (_: unknown, at: number): string =>
      `- insurer_id: timed-${at}\n  name: Timed ${at}\n  base_url: ${origin}/${at}\n  deadline_ms: 60000\n`;
    return Array.from({ length: INSURER_COUNT }, entry).join('');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, at = '', route = '', id = ''] = (request.url ?? '').split('/');
    const text = await bodyOf(request);
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (route === 'quotes') return send(200, this.#quoteOf(id));
    const { application } = JSON.parse(text) as { application: { contacts: { email: string } } };
    const lastMs = LAST_READY_AFTER_MS[application.contacts.email === PATIENT_EMAIL ? 'patient' : 'usual'];
    const readyAtMs = Date.now() + (READY_AFTER_MS[Number(at)] ?? lastMs);
    send(201, { application_id: String(readyAtMs), status: 'pending' });
  }

  #quoteOf(id: string): object {
    const leftMs = Number(id) - Date.now();
    if (leftMs > ESTIMATE_MS) return { application_id: id, status: 'pending' };
    return { application_id: id, status: leftMs > 0 ? 'estimated' : 'ready', quote };
  }
}
