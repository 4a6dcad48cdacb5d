import { beforeAll, describe, expect, test } from '@jest/globals';
import type { TObject } from '@sinclair/typebox';
import { isRequired, loadAppConfigs } from './app-configs.ts';
import { readComposeServices, readImageStages, readWorkloads, type Workload } from './manifests.ts';
import { foldersOf, listFiles, readText } from './repository.ts';

const workloads = readWorkloads();
const deployments = workloads.filter(({ kind }) => kind === 'Deployment');
const stages = readImageStages(readText('Dockerfile'));
const files = listFiles();
const INSURERS_FILE = 'config/insurers.yaml';
/** Variables that the insurers file may use; the schema of an app does not know them. */
const usedByInsurers = [...readText(INSURERS_FILE).matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]!);

let schemas: ReadonlyMap<string, TObject>;
beforeAll(async () => {
  schemas = new Map((await loadAppConfigs()).map(({ app, schema }) => [app, schema]));
});

interface Given {
  where: string;
  app: string;
  names: string[];
}

/** Each app as k8s/ and docker-compose.yml start it. */
const given = (): Given[] => [
  ...workloads.flatMap(({ path, containers }) =>
    containers.map(({ name, env = [] }) => ({ where: path, app: name, names: env.map((variable) => variable.name) })),
  ),
  ...Object.entries(readComposeServices()).map(([app, { environment }]) => ({
    where: 'docker-compose.yml',
    app,
    names: Object.keys(environment),
  })),
];

const secondsOf = (workload: Workload): { needed: number; granted: number } => {
  const [container] = workload.containers;
  const stopMs = Number(container?.env?.find(({ name }) => name === 'STOP_TIMEOUT_MS')?.value ?? 0);
  const preStopS = container?.lifecycle?.preStop?.sleep?.seconds ?? 0;
  return { needed: preStopS + stopMs / 1_000, granted: workload.graceS };
};

describe('the manifests', () => {
  test('deploy both apps, and the simulated insurers on one machine', () => {
    expect(deployments.map(({ name }) => name).sort()).toEqual(['core-app', 'insurer-simulator', 'osago-aggregator']);
  });

  test.each(deployments)('$name is asked whether it lives and whether it is ready', ({ containers }) => {
    for (const { livenessProbe, readinessProbe } of containers) {
      expect(livenessProbe?.httpGet.path).toBe('/health/live');
      expect(readinessProbe?.httpGet.path).toBe('/health/ready');
    }
  });

  test.each(deployments)('$name is asked at the private port of its image', ({ containers }) => {
    for (const { name, ports = [], livenessProbe } of containers) {
      const port = ports.find((one) => one.name === livenessProbe?.httpGet.port)?.containerPort;
      expect(String(port)).toBe(stages.get(name)?.env['PRIVATE_PORT']);
    }
  });

  test.each(deployments.filter(({ path }) => path.startsWith('k8s/base/')))(
    '$name loses no pod before the next is ready, and each pod has the time to drain',
    (workload) => {
      expect(workload.strategy?.rollingUpdate?.maxUnavailable).toBe(0);
      const { needed, granted } = secondsOf(workload);
      expect(needed).toBeGreaterThan(0);
      expect(granted).toBeGreaterThan(needed);
    },
  );

  test.each(workloads)('$name runs as nobody special, on a root it cannot write', ({ containers, securityContext }) => {
    expect(securityContext?.runAsNonRoot).toBe(true);
    for (const container of containers) {
      expect(container.securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
    }
  });

  test('give an app only variables that it knows', () => {
    const unknown = given().flatMap(({ where, app, names }) => {
      const schema = schemas.get(app);
      if (schema === undefined) return [];
      return names
        .filter((name) => !(name in schema.properties) && !usedByInsurers.includes(name))
        .map((name) => `${where}: ${app} does not know ${name}`);
    });
    expect(unknown).toEqual([]);
  });

  test('give an app every variable that it needs, unless its image does', () => {
    const missing = given().flatMap(({ where, app, names }) => {
      const image = stages.get(app)?.env ?? {};
      return Object.entries(schemas.get(app)?.properties ?? {})
        .filter(([name, member]) => isRequired(member) && !names.includes(name) && !(name in image))
        .map(([name]) => `${where}: ${app} needs ${name}`);
    });
    expect(missing).toEqual([]);
  });

  test('show, for one machine, the insurers of config/insurers.yaml', () => {
    expect(readText('k8s/overlays/local/insurers.yaml')).toBe(readText(INSURERS_FILE));
  });
});

describe('the Dockerfile', () => {
  const dockerfile = readText('Dockerfile');

  test('takes the Node that package.json names', () => {
    const { devDependencies } = JSON.parse(readText('package.json')) as { devDependencies: Record<string, string> };
    expect(/^ARG NODE_VERSION=(.+)$/m.exec(dockerfile)?.[1]).toBe(devDependencies['node']);
  });

  test('copies and starts only what is there', () => {
    const folders = foldersOf(files);
    const copied = [...stages.values()].flatMap((stage) => stage.copied);
    const started = [...dockerfile.matchAll(/"((?:apps|tools)\/[^"]+)"/g)].map((match) => match[1]!);
    const installed = [...dockerfile.matchAll(/-w ((?:apps|libs|tools)\/\S+)/g)].map((match) => match[1]!);
    expect([...copied, ...started, ...installed].filter((path) => !files.includes(path) && !folders.has(path))).toEqual(['.']);
  });
});
