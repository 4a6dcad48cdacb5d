/** The operator calls of an aggregator pod, whichever: all pods share what they change. */
import { checker, type InsurerChange, InsurerHistory, InsurerState } from '@osago/contracts';
import { type TSchema, type Static, Type } from '@sinclair/typebox';

const ANSWER_MS_MAX = 5_000;

const Problem = Type.Object({
  title: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
});
const checkProblem = checker(Problem);

export class InsurerCallError extends Error {
  override readonly name = 'InsurerCallError';
}

const reader = <T extends TSchema>(schema: T): ((body: unknown) => Static<T>) => {
  const check = checker(schema);
  return (body) => {
    const checked = check(body);
    if (!checked.ok) throw new InsurerCallError('the aggregator answers in another form: is it of another version?');
    return checked.value;
  };
};

const readStates = reader(Type.Array(InsurerState));
const readState = reader(InsurerState);
const readHistory = reader(InsurerHistory);

export class InsurerCalls {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin.replace(/\/+$/, '');
  }

  async list(): Promise<InsurerState[]> {
    return readStates(await this.#call('/insurers'));
  }

  async history(insurerId: string): Promise<InsurerHistory> {
    return readHistory(await this.#call(`/insurers/${encodeURIComponent(insurerId)}/history`));
  }

  async change(insurerId: string, change: InsurerChange): Promise<InsurerState> {
    return readState(await this.#call(`/insurers/${encodeURIComponent(insurerId)}/changes`, change));
  }

  /** Throws {@link InsurerCallError} with what the pod said. */
  async #call(path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#origin}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    }).catch((cause: unknown) => {
      throw new InsurerCallError(`no aggregator answers at ${this.#origin}`, { cause });
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const problem = checkProblem(answer);
    if (!problem.ok) throw new InsurerCallError(`the aggregator answers ${response.status}`);
    const faults = (problem.value.errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`);
    throw new InsurerCallError([problem.value.title, ...faults].join('; '));
  }
}
