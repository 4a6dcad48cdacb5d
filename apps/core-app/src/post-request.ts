/**
 * `POST /requests`: takes an application, or a past request to repeat with changes; checks it, stores it, hands its outbox
 * row to the relay, answers with the token.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Application,
  checker,
  type Fault,
  faultOf,
  faultsIn,
  type InsurerSettings,
  PostRequestBody,
  type PostRequestReply,
  preferredLanguage,
  RepeatRequestBody,
  requestEventId,
} from '@osago/contracts';
import {
  applicationWarnings,
  checkApplication,
  encodeCursor,
  isFinished,
  moscowDate,
  NO_OFFSETS,
  type RuleSettings,
  tariffAttributes,
  view,
} from '@osago/quotes';
import type { Clock, Log } from '@osago/service-kit';
import { type Access, requestPath } from './access.ts';
import { answerJson } from './answer-json.ts';
import { watchMarks } from './fraud-watch-marks.ts';
import type { PlatformEpoch } from './platform-epoch.ts';
import { HttpProblem } from './problem.ts';
import type { Relay } from './relay.ts';
import { type Repeat, repeatedApplication, type RepeatDeps } from './repeated-application.ts';
import type { RequestReader } from './request-reader.ts';
import type { Rules } from './retry-quote.ts';
import type { RequestStore, StoredRequest, Submission, SubmitResult } from './request-store.ts';
import type { Showcase } from './showcase.ts';
import { traceparentOf } from './traceparent.ts';

const checkBody = checker(PostRequestBody);
const checkRepeat = checker(RepeatRequestBody);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The same content has the same text, whatever the order of its members. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

/** What is asked for: who may be called about it, and when a tick was set, changes nothing of that. */
const contentOf = ({ contacts: _contacts, consents: _consents, ...content }: Application): string =>
  canonicalJson(content);

export interface PostRequestDeps extends RepeatDeps {
  access: Access;
  store: Pick<RequestStore, 'submit' | 'findOwner'>;
  reader: Pick<RequestReader, 'read'>;
  relay: Pick<Relay, 'send'>;
  showcase: Showcase;
  epoch: Pick<PlatformEpoch, 'epoch'>;
  insurers: readonly InsurerSettings[];
  clock: Clock;
  log: Log;
  rules: RuleSettings;
}

const replyOf = (request: StoredRequest, { access, epoch }: PostRequestDeps): PostRequestReply => {
  const { request_id, accepted_at, deadline_at, panel, partition } = request;
  const self = requestPath(request_id);
  return {
    request_id,
    status: 'in_progress',
    accepted_at,
    deadline_at,
    panel: panel.map(({ insurer_id, name }) => ({ insurer_id, name })),
    access_token: access.token(request_id),
    cursor: encodeCursor({ epoch: epoch.epoch, request_id, partition, offsets: NO_OFFSETS, revision: 1, end: false }),
    links: { self, stream: `${self}/stream`, quotes: `${self}/quotes` },
  };
};

interface Asked {
  key: string | undefined;
  request_id: string | undefined;
  application: Application;
}

const keyFaults = (key: string | undefined): Fault[] =>
  key === undefined || UUID.test(key)
    ? []
    : [faultOf('', 'bad_idempotency_key')];

const isRepeat = (body: unknown): boolean => typeof body === 'object' && body !== null && 'based_on' in body;

/** A repeat, not looked up yet. Throws a 400 that lists every fault. */
const checkedRepeat = (body: unknown, key: string | undefined): Repeat & { request_id?: string } => {
  const checked = checkRepeat(body);
  const faults = [...(checked.ok ? [] : checked.faults), ...keyFaults(key)];
  if (!checked.ok || faults.length > 0) throw new HttpProblem(400, undefined, faults);
  return checked.value;
};

/** Throws a 400 that lists every fault: of shape, of sense, of the key. */
const checkedBody = (body: unknown, key: string | undefined, { today, rules }: Rules): PostRequestBody => {
  const checked = checkApplication(checkBody, body, today, rules);
  const faults = [...(checked.ok ? [] : checked.faults), ...keyFaults(key)];
  if (!checked.ok || faults.length > 0) throw new HttpProblem(400, undefined, faults);
  return checked.value;
};

export const postRequest = (deps: PostRequestDeps) => {
  const { access, clock, insurers, log, reader, relay, rules, showcase, store } = deps;

  const asked = async (request: IncomingMessage, body: unknown, today: string): Promise<Asked> => {
    const key = request.headers['idempotency-key']?.toString();
    const given = { key: key?.toLowerCase() };
    if (isRepeat(body)) {
      const repeat = checkedRepeat(body, key);
      const application = await repeatedApplication(deps, repeat, request, { today, rules });
      return { ...given, request_id: repeat.request_id?.toLowerCase(), application };
    }
    const { request_id, ...application } = checkedBody(body, key, { today, rules });
    return { ...given, request_id: request_id?.toLowerCase(), application };
  };

  const submissionOf = (
    { application, key, request_id }: Asked,
    { request, ownerId, today }: { request: IncomingMessage; ownerId: string; today: string },
  ): Submission => ({
    request_id: request_id ?? randomUUID(),
    idempotency: [
      ...(key === undefined ? [] : [{ scope: 'key' as const, key }]),
      ...(request_id === undefined ? [] : [{ scope: 'request' as const, key: request_id }]),
    ],
    body_mac: access.mac('body', canonicalJson(application)),
    owner_mac: access.mac('owner', ownerId),
    content_mac: access.mac('content', contentOf(application)),
    ...watchMarks(access, application),
    application,
    tariff: tariffAttributes(application, today, rules),
    insurers,
    traceparent: traceparentOf(request),
  });

  /** A twin that has ended meanwhile is a past request, and the same may be asked for again. */
  const submit = async (submission: Submission, ownerMacs: readonly Buffer[] | undefined): Promise<SubmitResult> => {
    const ended: string[] = [];
    for (;;) {
      const result = await store.submit({ ...submission, twin: ownerMacs && { owner_macs: ownerMacs, ended } });
      if (result.kind !== 'twin') return result;
      const { request_id } = result.request;
      const shown = await reader.read(request_id);
      if (shown !== undefined && !isFinished(view(shown.state, clock.nowMs()))) return result;
      ended.push(request_id);
    }
  };

  return async (body: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const today = moscowDate(clock.nowMs());
    const owner = access.owner(request);
    const call = await asked(request, body, today);
    // A given key always wins, and a browser that has sent nothing yet has no twin.
    const isKeyed = call.key !== undefined || call.request_id !== undefined;
    const ownerMacs = isKeyed || owner.isNew ? undefined : access.macs('owner', owner.id);
    const result = await submit(submissionOf(call, { request, ownerId: owner.id, today }), ownerMacs);
    if (result.kind === 'conflict') throw new HttpProblem(422, result.detail);
    if (result.kind === 'created') {
      relay.send(result.outbox);
      showcase.apply(result.event, result.request.partition);
      log.info({ request_id: result.request.request_id, event_id: requestEventId(result.request.request_id, 1) }, 'request accepted');
    }
    const warnings = faultsIn(preferredLanguage(request.headers['accept-language']), applicationWarnings(call.application));
    const reply = { ...replyOf(result.request, deps), ...(warnings.length > 0 && { warnings }) };
    const headers = {
      location: reply.links.self,
      'set-cookie': access.cookies(request, reply.request_id, owner),
    };
    if (result.kind === 'twin') answerJson(response, 200, { ...reply, duplicate: true } satisfies PostRequestReply, headers);
    else answerJson(response, 201, reply satisfies PostRequestReply, headers);
  };
};
