/** The pods behind the edge: which of them are ready, and whose turn it is. */
import { pause, type Service } from '@osago/service-kit';

export interface Pod {
  readonly url: URL;
  readonly privateUrl: string;
}

/** Kubernetes would ask every few seconds; here a test waits for it. */
const ASK_EVERY_MS = 250;
/** A pod too busy to answer that is not one to send more to. */
const ASK_TIMEOUT_MS = 2000;

/** "public|private,public|private", as origins. */
export const parsePods = (text: string): Pod[] =>
  text.split(',').map((pair) => {
    const [url = '', privateUrl = ''] = pair.split('|');
    return { url: new URL(url), privateUrl: new URL(privateUrl).origin };
  });

export class EdgePods {
  readonly #pods: readonly Pod[];
  readonly #ready = new Set<Pod>();
  #turn = 0;

  constructor(pods: readonly Pod[]) {
    this.#pods = pods;
  }

  /** The ready ones in the order in which to try them; each call starts with the next. */
  inTurn(): Pod[] {
    const ready = this.#pods.filter((pod) => this.#ready.has(pod));
    if (ready.length === 0) return [];
    this.#turn = (this.#turn + 1) % ready.length;
    return [...ready.slice(this.#turn), ...ready.slice(0, this.#turn)];
  }

  /** It gets nothing more until it has said that it is ready. */
  failed(pod: Pod): void {
    this.#ready.delete(pod);
  }

  get anyReady(): boolean {
    return this.#ready.size > 0;
  }

  async askAll(): Promise<void> {
    await Promise.all(this.#pods.map((pod) => this.#ask(pod)));
  }

  async #ask(pod: Pod): Promise<void> {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    const ok = await fetch(`${pod.privateUrl}/health/ready`, { signal }).then(
      async (answer) => (await answer.body?.cancel(), answer.ok),
      () => false,
    );
    if (ok) this.#ready.add(pod);
    else this.#ready.delete(pod);
  }
}

export const watchPods = (pods: EdgePods): Service => ({
  name: 'edge-pods',
  run: async (signal) => {
    while (!signal.aborted) {
      await pods.askAll();
      await pause(ASK_EVERY_MS, signal);
    }
  },
});
