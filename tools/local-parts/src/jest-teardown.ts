/** After the infra tests: stops what `jest-setup.ts` started. */
import { stopParts } from './jest-parts.ts';

const tearDown = (): Promise<void> => stopParts();

export default tearDown;
