/** Every document that is made from the code: its path and its text. The same code gives the same text. */
import { loadAppConfigs } from './app-configs.ts';
import { renderAsyncapi } from './asyncapi.ts';
import { renderConfigurationPage } from './configuration-page.ts';
import { EVENT_TYPES, renderEventSchema, schemaPath } from './event-schemas.ts';
import { withFaultTable } from './insurer-faults.ts';
import { renderOpenapi } from './openapi.ts';
import { readText } from './repository.ts';
import { readTopicManifests } from './topic-manifests.ts';

export const generatedDocs = async (): Promise<ReadonlyMap<string, string>> => {
  const { version } = JSON.parse(readText('package.json')) as { version: string };
  return new Map([
    ['docs/openapi.yaml', renderOpenapi(version)],
    ['docs/asyncapi.yaml', renderAsyncapi(readTopicManifests(), version)],
    ['docs/configuration.md', renderConfigurationPage(await loadAppConfigs())],
    ['docs/insurers.md', withFaultTable(readText('docs/insurers.md'))],
    ...EVENT_TYPES.map((type) => [schemaPath(type), renderEventSchema(type)] as const),
  ]);
};
