/**
 * The protocols that insurers speak, by the name that `adapter` in the insurers file gives. A new one is a file that makes
 * an `Insurer`, and an entry here; `adapters.test.ts` has the tests that all of them share.
 */
import type { InsurerSettings } from '@osago/contracts';
import { InstantInsurer } from './instant-insurer.ts';
import type { HttpCaller } from './insurer-http.ts';
import type { Insurer } from './insurer.ts';
import { StandardInsurer } from './standard-insurer.ts';

export type Adapter = (call: HttpCaller, settings: Pick<InsurerSettings, 'post_timeout_ms'>) => Insurer;

export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  standard: (call, { post_timeout_ms }) => new StandardInsurer(call, post_timeout_ms),
  instant: (call, { post_timeout_ms }) => new InstantInsurer(call, post_timeout_ms),
};
