/**
 * Everything on one machine: parts, database, topics, page, ten simulated insurers, pods, edge. `start` resolves when a
 * person can use it; `stop` ends it in the order in which nothing is lost, people first and data last.
 */
import { join } from 'node:path';
import { type Children, freePort, type Parts, startParts } from '@osago/local-parts';
import { systemClock } from '@osago/service-kit';
import * as apps from './apps.ts';
import type { Arguments } from './arguments.ts';
import { Kept, type Running } from './kept.ts';
import { ensureKeyrings } from './keyrings.ts';
import { ensurePage } from './page.ts';
import { type Launch, runTask, spawnApp, untilAppReady } from './processes.ts';
import type { Progress } from './progress.ts';
import { type PlatformState, StateFile } from './state-file.ts';

export interface PlatformDeps {
  root: string;
  children: Children;
  progress: Progress;
  env: Readonly<Record<string, string | undefined>>;
}

interface Pod {
  spec: apps.AppSpec;
  kept: Kept;
  url: string;
  privateUrl: string;
}

export class Platform {
  readonly #deps: PlatformDeps;
  readonly #options: Arguments;
  readonly #launch: Launch;
  readonly #stateFile: StateFile;
  #parts: Parts | undefined;
  /** All of them, also those of a start that did not come to its end. */
  readonly #kept: Kept[] = [];
  #keptParts: Kept[] = [];
  #simulator: Kept | undefined;
  #aggregators: Pod[] = [];
  #coreApps: Pod[] = [];
  #edge: Pod | undefined;
  #isUp = false;
  #isStopping = false;
  #insurersUrl = '';

  /** `options.port` is one that is free. */
  constructor(deps: PlatformDeps, options: Arguments) {
    this.#deps = deps;
    this.#options = options;
    this.#launch = { root: deps.root, children: deps.children, env: deps.env };
    this.#stateFile = new StateFile(options.dir);
  }

  /** Rejects with a PartError when something cannot be had; what is up by then is for {@link stop}. */
  async start(): Promise<PlatformState> {
    const around = await this.#prepare();
    const { pods, port } = this.#options;
    const names = (app: string): string[] => Array.from({ length: pods }, (_, at) => (pods > 1 ? `${app}-${at + 1}` : app));
    const { progress } = this.#deps;
    await progress.step(pods > 1 ? `starting ${pods} + ${pods} pods` : 'starting the apps', async () => {
      await Promise.all([
        ...names('osago-aggregator').map(async (name) => {
          const privatePort = await freePort();
          this.#aggregators.push(await this.#up(apps.osagoAggregator(around, name, privatePort), { privatePort }));
        }),
        ...names('core-app').map(async (name) => {
          const ports = { port: pods > 1 ? await freePort() : port, privatePort: await freePort() };
          this.#coreApps.push(await this.#up(apps.coreApp(around, name, ports), ports));
        }),
      ]);
      if (pods > 1) this.#edge = await this.#upEdge(around);
    });
    for (const pods of [this.#aggregators, this.#coreApps]) pods.sort((a, b) => a.spec.name.localeCompare(b.spec.name));
    this.#isUp = true;
    await this.#stateFile.write(this.#state());
    return this.#state();
  }

  /** Orderly and bounded; harmless when little or nothing has been started. */
  async stop(): Promise<void> {
    this.#isUp = false;
    this.#isStopping = true;
    this.#deps.children.spawnNoMore();
    for (const kept of this.#kept) kept.letGo();
    await this.#stateFile.remove();
    await Promise.all(this.#coreApps.map(({ kept }) => kept.stop()));
    await this.#edge?.kept.stop();
    await Promise.all(this.#aggregators.map(({ kept }) => kept.stop()));
    await this.#simulator?.stop();
    for (const part of this.#keptParts) await part.stop();
    await this.#parts?.stop();
    await this.#deps.children.close();
  }

  /** All that the pods need: parts with database and topics, keys, page, insurers. */
  async #prepare(): Promise<apps.Surroundings> {
    const { root, children, progress, env } = this.#deps;
    const { dir, speed } = this.#options;
    const [parts, keys, webDir, simulatorPort] = await Promise.all([
      this.#startParts(),
      ensureKeyrings(join(dir, 'keys')),
      ensurePage({ root, children, step: progress.step }),
      freePort(),
    ]);
    this.#insurersUrl = apps.origin(simulatorPort);
    const around: apps.Surroundings = {
      databaseUrl: parts.databaseUrl,
      redisUrl: parts.redisUrl,
      kafkaBrokers: parts.kafkaBrokers,
      insurersFile: env['INSURERS_FILE'] || join(root, 'config', 'insurers.yaml'),
      insurersUrl: this.#insurersUrl,
      keys,
      webDir,
      logLevel: env['LOG_LEVEL'] || 'info',
      speed,
      seed: env['SEED'] || '1',
    };
    const simulator = apps.insurerSimulator(around, simulatorPort);
    const [{ kept }] = await Promise.all([
      progress.step('starting the simulated insurers', () => this.#up(simulator, { privatePort: simulatorPort })),
      this.#migrate(parts),
    ]);
    this.#simulator = kept;
    return around;
  }

  async #startParts(): Promise<Parts> {
    const { root, children, progress, env } = this.#deps;
    const parts = await startParts({ root, children, dataDir: this.#options.dir, env, step: progress.step });
    this.#parts = parts;
    this.#keptParts = parts.own.map(({ part, again }) => this.#keep(part.name, part, again));
    return parts;
  }

  /** The database first: `topics` writes down there which cluster it has seen. */
  async #migrate({ databaseUrl, kafkaBrokers }: Parts): Promise<void> {
    const env = { DATABASE_URL: databaseUrl, KAFKA_BROKERS: kafkaBrokers.join(',') };
    const { step } = this.#deps.progress;
    await runTask(this.#launch, { name: 'migrating the database', main: 'apps/core-app/src/migrate.ts', env }, step);
    const topics = { name: 'applying the topics', main: 'tools/topics/src/main.ts', args: ['apply'], env };
    await runTask(this.#launch, topics, step);
  }

  /** Starts a program and waits until it is ready; from then on it is kept alive. */
  async #up(spec: apps.AppSpec, ports: { port?: number; privatePort: number }): Promise<Pod> {
    const child = spawnApp(this.#launch, spec);
    await untilAppReady(child, spec);
    const kept = this.#keep(spec.name, child, () => this.#again(spec));
    return { spec, kept, url: apps.origin(ports.port ?? 0), privateUrl: apps.origin(ports.privatePort) };
  }

  async #upEdge(around: apps.Surroundings): Promise<Pod> {
    const ports = { port: this.#options.port, privatePort: await freePort() };
    const pods = this.#coreApps.map(({ url, privateUrl }) => [url, privateUrl] as const);
    return this.#up(apps.edge(around, ports, pods), ports);
  }

  #again(spec: apps.AppSpec): Promise<Running> {
    const { say } = this.#deps.progress;
    const child = spawnApp(this.#launch, spec);
    let hasEnded = false;
    void child.ended.then(() => (hasEnded = true));
    untilAppReady(child, spec).then(
      () => say(`✓ ${spec.name} is back`),
      // When it has ended, that is said by the one who keeps it.
      (error: unknown) => !hasEnded && this.#isUp && say(`! ${(error as Error).message}`),
    );
    return Promise.resolve(child);
  }

  #keep(name: string, running: Running, again: () => Promise<Running>): Kept {
    const { say } = this.#deps.progress;
    const changed = (): void => {
      if (this.#isUp) void this.#stateFile.write(this.#state());
    };
    const kept = new Kept({ name, again, clock: systemClock, say, changed }, running);
    this.#kept.push(kept);
    if (this.#isStopping) kept.letGo();
    return kept;
  }

  #state(): PlatformState {
    const edge = this.#edge;
    return {
      url: apps.origin(this.#options.port),
      core_app: this.#coreApps.map(({ url, privateUrl, kept }) => ({ url, private_url: privateUrl, pid: kept.pid })),
      aggregator: this.#aggregators.map(({ privateUrl, kept }) => ({ private_url: privateUrl, pid: kept.pid })),
      insurers_url: this.#insurersUrl,
      database_url: this.#parts?.databaseUrl ?? '',
      redis_url: this.#parts?.redisUrl ?? '',
      kafka_brokers: this.#parts?.kafkaBrokers ?? [],
      ...(edge && { edge: { url: edge.url, pid: edge.kept.pid } }),
      pid: process.pid,
      parts: Object.fromEntries(this.#keptParts.map(({ name, pid }) => [name, { pid }])),
    };
  }
}
