/** `POST /requests`: checks the application, stores it, hands its outbox row to the relay, answers with the token. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Application,
  checker,
  type InsurerSettings,
  PostRequestBody,
  type PostRequestReply,
  requestEventId,
} from '@osago/contracts';
import { applicationFaults, encodeCursor, moscowDate, NO_OFFSETS, tariffAttributes } from '@osago/quotes';
import type { Clock, Log } from '@osago/service-kit';
import { type Access, requestPath } from './access.ts';
import type { PlatformEpoch } from './platform-epoch.ts';
import { HttpProblem } from './problem.ts';
import type { Relay } from './relay.ts';
import type { RequestStore, StoredRequest, SubmitResult } from './request-store.ts';
import type { Showcase } from './showcase.ts';

const checkBody = checker(PostRequestBody);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The same content has the same text, whatever the order of its members. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

const traceparentOf = (request: IncomingMessage): string => {
  const given = request.headers['traceparent'];
  if (typeof given === 'string' && TRACEPARENT.test(given)) return given;
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
};

export interface PostRequestDeps {
  access: Access;
  store: Pick<RequestStore, 'submit'>;
  relay: Pick<Relay, 'send'>;
  showcase: Showcase;
  epoch: Pick<PlatformEpoch, 'epoch'>;
  insurers: readonly InsurerSettings[];
  clock: Clock;
  log: Log;
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

interface Checked {
  key: string | undefined;
  request_id: string | undefined;
  application: Application;
}

/** Throws a 400 that lists every fault: of shape, of sense, of the key. */
const checked = (request: IncomingMessage, body: unknown, today: string): Checked => {
  const shape = checkBody(body);
  const faults = shape.ok ? [] : shape.faults;
  faults.push(...applicationFaults(body, faults, today));
  const key = request.headers['idempotency-key'];
  if (key !== undefined && !UUID.test(String(key))) {
    faults.push({ pointer: '', code: 'bad_idempotency_key', detail: 'Idempotency-Key is no UUID' });
  }
  if (!shape.ok || faults.length > 0) throw new HttpProblem(400, undefined, faults);
  const { request_id, ...application } = shape.value;
  return { application, request_id: request_id?.toLowerCase(), key: key && String(key).toLowerCase() };
};

export const postRequest = (deps: PostRequestDeps) => {
  const { access, clock, insurers, log, relay, showcase, store } = deps;

  const submit = (request: IncomingMessage, body: unknown, ownerId: string): Promise<SubmitResult> => {
    const today = moscowDate(clock.nowMs());
    const { application, request_id, key } = checked(request, body, today);
    return store.submit({
      request_id: request_id ?? randomUUID(),
      idempotency: [
        ...(key === undefined ? [] : [{ scope: 'key' as const, key }]),
        ...(request_id === undefined ? [] : [{ scope: 'request' as const, key: request_id }]),
      ],
      body_mac: access.mac('body', canonicalJson(application)),
      owner_mac: access.mac('owner', ownerId),
      application,
      tariff: tariffAttributes(application, today),
      insurers,
      traceparent: traceparentOf(request),
    });
  };

  return async (body: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const owner = access.owner(request);
    const result = await submit(request, body, owner.id);
    if (result.kind === 'conflict') throw new HttpProblem(422, result.detail);
    if (result.kind === 'created') {
      relay.send(result.outbox);
      showcase.apply(result.event, result.request.partition);
      log.info({ request_id: result.request.request_id, event_id: requestEventId(result.request.request_id, 1) }, 'request accepted');
    }
    const reply = replyOf(result.request, deps);
    response
      .writeHead(201, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        location: reply.links.self,
        'set-cookie': access.cookies(request, reply.request_id, owner),
      })
      .end(JSON.stringify(reply));
  };
};
