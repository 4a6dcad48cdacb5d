/** What Dockerfile, docker-compose.yml and k8s/ give to each app. */
import { parse, parseAllDocuments } from 'yaml';
import { listFiles, readText } from './repository.ts';

export interface Container {
  name: string;
  env?: { name: string; value?: string }[];
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  securityContext?: { allowPrivilegeEscalation?: boolean; readOnlyRootFilesystem?: boolean };
}

export interface Workload {
  path: string;
  kind: string;
  name: string;
  strategy?: { rollingUpdate?: { maxUnavailable?: number } } | undefined;
  securityContext: { runAsNonRoot?: boolean } | undefined;
  graceS: number;
  containers: Container[];
}

interface Manifest {
  kind?: string;
  metadata: { name: string };
  spec: {
    strategy?: Workload['strategy'];
    template: {
      spec: {
        terminationGracePeriodSeconds?: number;
        securityContext?: Workload['securityContext'];
        containers: Container[];
        initContainers?: Container[];
      };
    };
  };
}

/** What Kubernetes waits when nothing is said. */
const GRACE_S = 30;

const workload = (path: string, { kind = '', metadata, spec }: Manifest): Workload => {
  const { terminationGracePeriodSeconds, securityContext, containers, initContainers = [] } = spec.template.spec;
  return {
    path,
    kind,
    name: metadata.name,
    strategy: spec.strategy,
    securityContext,
    graceS: terminationGracePeriodSeconds ?? GRACE_S,
    containers: [...containers, ...initContainers],
  };
};

/** Deployments and Jobs of the base and of the overlays. */
export const readWorkloads = (): Workload[] =>
  listFiles()
    .filter((path) => /^k8s\/.+\.ya?ml$/.test(path))
    .flatMap((path) =>
      parseAllDocuments(readText(path))
        .map((document) => document.toJS() as Manifest | null)
        .filter((manifest): manifest is Manifest => ['Deployment', 'Job'].includes(manifest?.kind ?? ''))
        .map((manifest) => workload(path, manifest)),
    );

/** Variables by service of docker-compose.yml. */
export const readComposeServices = (): Record<string, { environment: Record<string, string> }> => {
  const { services } = parse(readText('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  return Object.fromEntries(
    Object.entries(services).map(([name, { environment = {} }]) => [name, { environment }]),
  );
};

export interface ImageStage {
  env: Record<string, string>;
  /** Sources of COPY that lie in the repository. */
  copied: string[];
}

/** Stages of the Dockerfile by name, each with what it takes over from the stage below. */
export const readImageStages = (dockerfile: string): ReadonlyMap<string, ImageStage> => {
  const stages = new Map<string, ImageStage>();
  let current: ImageStage = { env: {}, copied: [] };
  for (const line of dockerfile.replaceAll(/\\\n/g, ' ').split('\n')) {
    const [instruction, ...words] = line.trim().split(/\s+/);
    if (instruction === 'FROM') {
      const [from = '', , name = ''] = words;
      current = { env: { ...stages.get(from)?.env }, copied: [] };
      stages.set(name, current);
    }
    if (instruction === 'ENV') {
      for (const word of words) current.env[word.split('=')[0] ?? ''] = word.slice(word.indexOf('=') + 1);
    }
    if (instruction === 'COPY' && !words[0]?.startsWith('--from')) current.copied.push(...words.slice(0, -1));
  }
  return stages;
};
