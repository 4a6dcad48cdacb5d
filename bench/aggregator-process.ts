/** The processes of bench:aggregator: each has its settings from the first argument and answers questions, by their number. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

interface Question {
  number: number;
  question: string;
  about?: unknown;
}

interface Answer {
  number: number;
  answer?: unknown;
  error?: string;
}

/** As our programs run (apps/platform/src/processes.ts); the negative time-outs are kafkajs's. */
const NODE_FLAGS = ['--disable-warning=TimeoutNegativeWarning', '--max-semi-space-size=64'];

/** The number of the answer that a process gives unasked, once, when it is ready. */
const READY = 0;

/** In the process: it ends when nobody is there to ask any more. */
export const answerQuestions = (answers: Readonly<Record<string, (about: unknown) => unknown>>): void => {
  const answerOne = async ({ number, question, about }: Question): Promise<void> => {
    try {
      process.send?.({ number, answer: await answers[question]?.(about) } satisfies Answer);
    } catch (error) {
      process.send?.({ number, error: String(error) } satisfies Answer);
    }
  };
  process.on('message', (asked) => void answerOne(asked as Question));
  process.once('disconnect', () => process.exit());
  process.send?.({ number: READY } satisfies Answer);
};

export const settingsOf = (): unknown => JSON.parse(process.argv[2] ?? '');

export class BenchProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = READY;

  /** Rejects when it ends before it is ready. */
  static async start(program: string, settings: unknown): Promise<BenchProcess> {
    const one = new BenchProcess(fork(join(import.meta.dirname, program), [JSON.stringify(settings)], { execArgv: NODE_FLAGS }));
    await one.#answerTo(READY);
    return one;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#gone = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        for (const number of this.#waiting.keys()) this.#heard({ number, error: `it ended with ${code ?? signal}` });
        resolve();
      });
    });
    child.on('message', (answer) => this.#heard(answer as Answer));
  }

  #heard(answer: Answer): void {
    this.#waiting.get(answer.number)?.(answer);
    this.#waiting.delete(answer.number);
  }

  async #answerTo(number: number): Promise<unknown> {
    const { answer, error } = await new Promise<Answer>((resolve) => this.#waiting.set(number, resolve));
    if (error !== undefined) throw new Error(`${this.#child.spawnargs.at(-2)}: ${error}`);
    return answer;
  }

  ask<T>(question: string, about?: unknown): Promise<T> {
    this.#asked += 1;
    const answered = this.#answerTo(this.#asked);
    this.#child.send({ number: this.#asked, question, about } satisfies Question);
    return answered as Promise<T>;
  }

  /** Orderly, by its own answer to `stop`. */
  async stop(): Promise<void> {
    await this.ask('stop');
    this.#child.disconnect();
    await this.#gone;
  }

  /** kill -9 */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
