/** A past request asked for again with changed fields (`based_on`): by who has its token, or the cookie of its owner. */
import type { IncomingMessage } from 'node:http';
import type { Application, ApplicationChanges } from '@osago/contracts';
import { earliestStart } from '@osago/quotes';
import type { Access } from './access.ts';
import { HttpProblem } from './problem.ts';
import type { RequestCommands } from './request-commands.ts';
import type { RequestStore } from './request-store.ts';
import { checkedChange, type Rules } from './retry-quote.ts';

export interface RepeatDeps {
  access: Access;
  store: Pick<RequestStore, 'findOwner'>;
  commands: Pick<RequestCommands, 'openApplication'>;
}

export interface Repeat {
  based_on: string;
  changes?: ApplicationChanges;
}

const isAllowed = async ({ access, store }: RepeatDeps, requestId: string, request: IncomingMessage): Promise<boolean> => {
  if (access.hasBearer(request, requestId)) return true;
  const owner = access.owner(request);
  const ownerMac = owner.isNew ? undefined : await store.findOwner(requestId);
  return ownerMac !== undefined && access.macs('owner', owner.id).some((mac) => mac.equals(ownerMac));
};

/** A start that has gone by since is left to the rules, like one that was never chosen. */
const withoutPastStart = ({ policy_start_date, ...rest }: Application, { today, rules }: Rules): Application =>
  policy_start_date === undefined || policy_start_date < earliestStart(today, rules) ? rest : { ...rest, policy_start_date };

/** Throws a 404 for a request that is not the caller's or not there, a 400 whose faults point into the application. */
export const repeatedApplication = async (
  deps: RepeatDeps,
  { based_on, changes = {} }: Repeat,
  request: IncomingMessage,
  rules: Rules,
): Promise<Application> => {
  const requestId = based_on.toLowerCase();
  const application = (await isAllowed(deps, requestId, request)) ? await deps.commands.openApplication(requestId) : undefined;
  if (application === undefined) throw new HttpProblem(404, 'the request to repeat is not there');
  return checkedChange(withoutPastStart(application, rules), changes, rules);
};
