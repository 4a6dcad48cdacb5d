/**
 * For the tests: a server of streams that does all right, or all but one thing. Its state is a count for each topic; each
 * change adds one. Two replicas share it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault } from './broken-server-faults.ts';

const HEARTBEAT_MS = 20;
/** Longer than the tests allow. */
const LATE_MS = 8_000;
const PENDING_BYTES_MAX = 1_000_000;
const STREAMS_PER_TOPIC_MAX = 70;
/** Two bytes in UTF-8, which are written apart. */
const UMLAUT = 'ä';

interface Topic {
  name: string;
  count: number;
  isEnded: boolean;
  leaked: number;
  readers: Set<Reader>;
}

interface Reader {
  response: ServerResponse;
  readAt: number;
}

export class BrokenServer {
  readonly topics = new Map<string, Topic>();
  isShedding = false;
  openStreams = 0;
  #isDraining = false;
  #servers: Server[] = [];
  readonly #fault: Fault | undefined;
  readonly #heartbeats: NodeJS.Timeout;
  readonly #since = new WeakMap<ServerResponse, number>();

  constructor(fault?: Fault) {
    this.#fault = fault;
    this.#heartbeats = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  static async start(fault?: Fault): Promise<BrokenServer> {
    const broken = new BrokenServer(fault);
    broken.#servers = [0, 1].map((replica) =>
      createServer((request, response) => void broken.#handle(request, response, replica)),
    );
    const listening = broken.#servers.map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
    await Promise.all(listening);
    return broken;
  }

  url(topic: string, replica = 0): string {
    const { port } = this.#servers[replica]?.address() as AddressInfo;
    return `http://127.0.0.1:${port}/streams/${topic}`;
  }

  topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    const topic: Topic = { name, count: 0, isEnded: false, leaked: 0, readers: new Set() };
    this.topics.set(name, topic);
    return topic;
  }

  change(name: string): void {
    const topic = this.topic(name);
    topic.count += 1;
    for (const reader of topic.readers) this.#catchUp(topic, reader);
  }

  finish(name: string): void {
    const topic = this.topic(name);
    topic.isEnded = true;
    for (const { response } of topic.readers) this.#sayDone(topic, response);
  }

  flood(name: string): number {
    const text = this.#encode(`event: flood\ndata: ${'x'.repeat(PENDING_BYTES_MAX)}\n\n`);
    const readers = [...this.topic(name).readers];
    const isHeldUp = readers.some(({ response }) => response.writableLength > PENDING_BYTES_MAX);
    if (isHeldUp && this.#has('waits for a slow reader')) return text.length;
    for (const { response } of readers) {
      const isStalled = response.writableLength > PENDING_BYTES_MAX;
      if (isStalled && !this.#has('never cuts a slow reader') && !this.#has('waits for a slow reader')) response.destroy();
      else response.write(text);
    }
    return text.length;
  }

  drain(): void {
    this.#isDraining = true;
    for (const { readers } of this.topics.values())
      for (const { response } of readers) {
        if (this.#has('destroys at drain')) response.destroy();
        else response.end(`${this.#goodbye()}event: bye\ndata: {}\n\n`);
      }
  }

  #goodbye(): string {
    if (this.#has('says no retry at drain')) return '';
    return this.#has('drains with one retry') ? 'retry: 1000\n\n' : this.#retry(1_000);
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeats);
    await Promise.all(
      this.#servers.map((server) => {
        server.closeAllConnections();
        return new Promise((done) => server.close(done));
      }),
    );
  }

  #has(fault: Fault): boolean {
    return this.#fault === fault;
  }

  async #handle(request: IncomingMessage, response: ServerResponse, replica: number): Promise<void> {
    const url = new URL(request.url ?? '', 'http://localhost');
    const topic = this.topic(url.pathname.split('/').at(-1) ?? '');
    const refusal = this.#refusal(request, url, topic);
    if (refusal !== undefined) {
      if (refusal > 0) response.writeHead(refusal, refusal === 405 ? this.#allow() : {}).end();
      return;
    }
    const headers = this.#headers();
    if (request.method === 'HEAD') return void response.writeHead(200, headers).end();
    if (this.isShedding || this.#isDraining) {
      const fromMs = this.#has('sheds with a short retry') ? 200 : 5_000;
      return void response.writeHead(200, headers).end(this.#retry(fromMs));
    }
    const byQuery = url.searchParams.get('last_event_id');
    const id = String(request.headers['last-event-id'] ?? byQuery ?? '');
    const cursor = this.#cursor(topic, id);
    if (this.#isOver(topic, id, cursor)) return void response.writeHead(204).end();
    if (this.#has('compresses') && request.headers['accept-encoding'] !== 'identity') headers['content-encoding'] = 'gzip';
    const isLiveOnly = byQuery !== null && this.#has('starts live at a query');
    const text = isLiveOnly ? this.#retry(500) : this.#opening(topic, cursor?.count, replica);
    await this.#open(topic, { response, readAt: topic.count }, { headers, text });
  }

  #isOver({ isEnded }: Topic, id: string, cursor: { end: boolean } | undefined): boolean {
    if (!isEnded || this.#has('never says 204')) return false;
    return cursor?.end === true || (id === '' && this.#has('says 204 to newcomers'));
  }

  async #open(topic: Topic, reader: Reader, { headers, text }: { headers: Record<string, string>; text: string }): Promise<void> {
    const { response } = reader;
    if (this.#has('reads before it subscribes')) await new Promise((done) => setTimeout(done, 10));
    this.openStreams += 1;
    response.on('close', () => {
      topic.readers.delete(reader);
      topic.leaked += this.#has('keeps aborted streams') ? 1 : 0;
      this.openStreams -= this.#has('counts aborted streams') ? 0 : 1;
    });
    response.writeHead(200, headers);
    this.#write(response, text);
    topic.readers.add(reader);
    if (topic.isEnded) this.#sayDone(topic, response);
  }

  /** A status, 0 for no answer at all. */
  #refusal({ method, headers }: IncomingMessage, { searchParams }: URL, topic: Topic): number | undefined {
    const byHeader = headers['last-event-id'];
    const byQuery = searchParams.get('last_event_id');
    const id = String(byHeader ?? byQuery ?? '');
    const isGarbage = id !== '' && id.length < 100 && !id.startsWith('e1:');
    const faults: [Fault, boolean, number][] = [
      ['answers 503', true, 503],
      ['never answers HEAD', method === 'HEAD', 0],
      ['fails at HEAD', method === 'HEAD', 500],
      ['fails at POST', method === 'POST', 500],
      ['refuses ids by header', byHeader !== undefined, 400],
      ['refuses ids by query', byQuery !== null, 400],
      ['fails at garbage', isGarbage, 500],
      ['ends at garbage', isGarbage, 204],
      ['fails at long ids', id.length > 1_000, 500],
      ['keeps aborted streams', topic.leaked > STREAMS_PER_TOPIC_MAX, 503],
      ['sheds with 503', this.isShedding, 503],
      ['refuses newcomers at drain', this.#isDraining, 503],
    ];
    const refusal = faults.find(([fault, applies]) => applies && this.#has(fault));
    return refusal?.[2] ?? (method === 'POST' ? 405 : undefined);
  }

  #allow(): Record<string, string> {
    return this.#has('hides what it allows') ? {} : { allow: 'GET, HEAD' };
  }

  #headers(): Record<string, string> {
    const charset = this.#has('latin-1') ? 'iso-8859-1' : 'utf-8';
    const cache = this.#has('is cacheable') ? ['max-age=60'] : ['no-cache'];
    if (!this.#has('may be transformed')) cache.push('no-transform');
    return {
      'content-type': this.#has('text/plain') ? 'text/plain' : `text/event-stream; charset=${charset}`,
      'cache-control': cache.join(', '),
      ...(!this.#has('is buffered by nginx') && { 'x-accel-buffering': 'no' }),
      ...(!this.#has('keeps the connection') && { connection: 'close' }),
    };
  }

  #cursor(topic: Topic, id: string): { count: number; end: boolean } | undefined {
    const [epoch, name, count = '', end] = id.split(':');
    if (this.#has('believes foreign ids') && epoch === 'e1') return { count: Number(count), end: end === 'end' };
    if (epoch !== 'e1' || name !== topic.name || !/^\d+$/.test(count) || Number(count) > topic.count) return undefined;
    return { count: Number(count), end: end === 'end' };
  }

  #retry(fromMs: number): string {
    return `retry: ${Math.floor(fromMs * (1 + Math.random()))}\n\n`;
  }

  #opening(topic: Topic, from: number | undefined, replica: number): string {
    const fixed = this.#has('sends a fixed retry') ? 'retry: 700\n\n' : this.#retry(500);
    const retry = this.#has('sends no retry') ? '' : fixed;
    const beat = this.#has('sends the second event late') ? '' : this.#heartbeat(topic);
    const note = this.#has('heartbeats by comments') ? `event: note\nid: ${this.#id(topic)}\ndata: {}\n\n` : '';
    const isBehind = replica === 1 && this.#has('has a replica behind');
    if (from === undefined || isBehind) {
      const count = isBehind ? Math.max(0, topic.count - 2) : topic.count;
      const nul = this.#has('sends an id with NUL') ? '\0' : '';
      return `${retry}event: snapshot\nid: ${this.#id(topic, count)}${nul}\ndata: {"count":${count}}\n\n${note}${beat}`;
    }
    const shift = this.#has('leaves a gap at resume') ? 1 : this.#has('repeats at resume') ? -1 : 0;
    return `${retry}${this.#changes(topic, from + shift)}${note}${beat}`;
  }

  #id(topic: Topic, count = topic.count): string {
    return `e1:${topic.name}:${count}`;
  }

  #changes(topic: Topic, from: number): string {
    let text = '';
    for (let count = Math.max(0, from) + 1; count <= topic.count; count += 1)
      text += `event: change\nid: ${this.#id(topic, count)}\ndata: {"count":${count}}\n\n`;
    return text;
  }

  #heartbeat(topic: Topic): string {
    if (this.#has('heartbeats by comments')) return ': still here\n\n';
    const id = this.#has('heartbeats with an id') ? `id: ${this.#id(topic)}\n` : '';
    const odd = this.#has('misspells a field') ? 'evnet: heartbeat\n' : this.#has('sends a BOM inside') ? '\uFEFF: x\n' : '';
    const word = this.#has('breaks a character') ? '\uFFFD' : UMLAUT;
    return `event: heartbeat\n${id}${odd}data: {"word":"${word}"}\n\n`;
  }

  #beat(): void {
    if (this.#has('heartbeats once')) return;
    for (const topic of this.topics.values())
      for (const { response } of topic.readers) {
        if (this.#has('sends the second event late')) this.#beatLate(response, topic);
        else this.#write(response, this.#heartbeat(topic));
      }
  }

  #beatLate(response: ServerResponse, topic: Topic): void {
    const since = this.#since.get(response) ?? performance.now();
    this.#since.set(response, since);
    if (performance.now() - since > LATE_MS) this.#write(response, this.#heartbeat(topic));
  }

  #catchUp(topic: Topic, reader: Reader): void {
    const from = this.#has('reads before it subscribes') ? topic.count - 1 : reader.readAt;
    this.#write(reader.response, this.#changes(topic, from));
    reader.readAt = topic.count;
  }

  #sayDone(topic: Topic, response: ServerResponse): void {
    if (this.#has('destroys at the end')) {
      response.write(this.#encode(`event: done\nid: ${this.#id(topic)}:end\ndata: {}\n\n`), () => response.destroy());
      return;
    }
    response.end(this.#has('ends without a word') ? '' : this.#encode(`event: done\nid: ${this.#id(topic)}:end\ndata: {}\n\n`));
  }

  #encode(text: string): Buffer {
    if (this.#has('forgets blank lines')) return Buffer.from(text.replace(/\n\n/g, '\n'));
    if (this.#has('ends lines with CR')) return Buffer.from(text.replace(/\n/g, '\r'));
    if (this.#has('mixes line ends')) return Buffer.from(text.replace(/event: heartbeat\n/g, 'event: heartbeat\r\n'));
    if (this.#has('sends invalid UTF-8')) return Buffer.from(text.replace(UMLAUT, '\xC3('), 'latin1');
    return Buffer.from(text);
  }

  /** In two pieces, cut in the middle of a character where there is one. */
  #write(response: ServerResponse, text: string): void {
    if (response.writableEnded || response.destroyed) return;
    const bytes = this.#encode(text);
    const at = bytes.indexOf(UMLAUT) + 1;
    if (at > 0) response.write(bytes.subarray(0, at));
    response.write(bytes.subarray(at));
  }
}
