/** `<dir>/state.json`: where the running platform is, for tools and tests. It exists only while everything is up. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** URLs are bare origins, but for those of the parts. */
export interface PlatformState {
  url: string;
  core_app: { url: string; private_url: string; pid: number | undefined }[];
  aggregator: { private_url: string; pid: number | undefined }[];
  insurers_url: string;
  database_url: string;
  redis_url: string;
  kafka_brokers: string[];
  /** Only with several pods. */
  edge?: { url: string; pid: number | undefined };
  /** This process: SIGTERM stops everything. */
  pid: number;
  /** Parts that run as processes of this platform, by name. */
  parts: Record<string, { pid: number | undefined }>;
}

export class StateFile {
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.#path = join(dir, 'state.json');
  }

  /** A reader sees the former content or this one. Writes happen one after the other. */
  write(state: PlatformState): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const partial = `${this.#path}.partial`;
      await writeFile(partial, `${JSON.stringify(state, undefined, 2)}\n`);
      await rename(partial, this.#path);
    });
    return this.#writing;
  }

  remove(): Promise<void> {
    this.#writing = this.#writing.then(() => rm(this.#path, { force: true }));
    return this.#writing;
  }
}
