import { readInstallation } from '../../db/tasks/installation.ts';
import { taskKey } from '../../db/tasks/task-log.ts';
import { recordAttempt, releaseDelivery } from '../../db/webhooks/deliveries.ts';
import type { Attempt, ClaimedDelivery } from '../../db/webhooks/deliveries.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { isListedHost } from '../../oci/hosts/address.ts';
import { webhookAttempted } from '../../telemetry/events.ts';
import { toCloudEvent } from '../../webhooks/cloud-event.ts';
import { toHarborEvent } from '../../webhooks/harbor.ts';
import type { MessageBody, MessageSource, WebhookMessage } from '../../webhooks/message.ts';
import { nextAttemptInMs, retriedForMs } from '../../webhooks/retries.ts';
import type { ActivityDeps } from '../deps.ts';
import { sendMessage } from './send-message.ts';
import type { SendResult } from './send-message.ts';

/** Makes one attempt at a delivery, and stores what became of it. @throws the signal's reason: the delivery is handed back. */
export async function deliver(
  deps: ActivityDeps,
  source: MessageSource,
  delivery: ClaimedDelivery,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  let sent: SendResult;
  try {
    sent = await send(deps, source, delivery, signal);
  } catch (error) {
    if (signal.aborted) await releaseDelivery(em, delivery);
    throw error;
  }
  const attempt = toAttempt(delivery, sent);
  if (!(await recordAttempt(em, delivery, attempt))) return;
  webhookAttempted.publish({ result: results[attempt.state] });
  const { id, webhookName, attempts } = delivery;
  const { state, httpStatus, code } = attempt;
  const fields = {
    webhook: webhookName,
    delivery: id,
    event: delivery.event,
    attempts,
    state,
    httpStatus,
    code,
  };
  if (attempt.disabledReason !== undefined) deps.logger.warn(fields, 'disabled a webhook');
  else if (sent.isDelivered) deps.logger.debug(fields, 'delivered an event');
  else deps.logger.info(fields, 'an attempt to deliver an event failed');
}

const results = { DELIVERED: 'delivered', PENDING: 'retried', FAILED: 'failed' } as const;

export async function readSource({ database, publicUrl }: ActivityDeps): Promise<MessageSource> {
  return { installation: await readInstallation(database.em.fork()), publicUrl };
}

async function send(
  { secrets, allowPrivate, allowUpstream }: ActivityDeps,
  source: MessageSource,
  delivery: ClaimedDelivery,
  signal: AbortSignal,
): Promise<SendResult> {
  const { webhookId, secretSealed, earlierSecretSealed, url, format } = delivery;
  const keys: string[] = [];
  try {
    if (secretSealed !== null) keys.push(secrets.decrypt(secretSealed, `webhook:${webhookId}:secret`));
    if (earlierSecretSealed !== null)
      keys.push(secrets.decrypt(earlierSecretSealed, `webhook:${webhookId}:earlier_secret`));
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { isDelivered: false, code: error.code, message: error.message };
  }
  const message = toMessage(delivery);
  const body: MessageBody = (format === 'HARBOR' ? toHarborEvent : toCloudEvent)(message, source);
  return sendMessage(
    { id: message.id, sentAt: new Date(), body },
    {
      url,
      secrets: keys,
      allowPrivate: allowPrivate || isListedHost(new URL(url), allowUpstream),
      allowUpstream,
    },
    signal,
  );
}

function toMessage(delivery: ClaimedDelivery): WebhookMessage {
  const { messageId, sequence, event, occurredAt, repositoryId, repositoryName, data } = delivery;
  const { task, ...rest } = data;
  return {
    id: `msg_${messageId}`,
    sequence,
    name: event,
    occurredAt: new Date(occurredAt),
    repository:
      repositoryId === null || repositoryName === null
        ? null
        : { id: Buffer.from(`Repository:${repositoryId}`).toString('base64url'), name: repositoryName },
    data: { ...(typeof task === 'number' ? { taskId: taskKey(task) } : {}), ...rest },
  };
}

function toAttempt({ attempts, ageMs, hasSucceeded }: ClaimedDelivery, sent: SendResult): Attempt {
  if (sent.isDelivered) return { state: 'DELIVERED', httpStatus: sent.httpStatus };
  const { httpStatus, code, message, responseText, retryAfterMs, isGone = false } = sent;
  const failure = { httpStatus, code, message, responseText };
  if (isGone) return { ...failure, state: 'FAILED', disabledReason: message };
  const nextInMs = nextAttemptInMs({ attempts, ageMs, askedMs: retryAfterMs });
  if (nextInMs !== undefined)
    return {
      ...failure,
      state: 'PENDING',
      nextAttemptInMs: nextInMs,
      pauseMs: retryAfterMs === undefined ? undefined : nextInMs,
    };
  const hours = retriedForMs / 3_600_000;
  const disabledReason = hasSucceeded
    ? undefined
    : `No delivery has succeeded for ${hours} hours. ${message}`;
  return { ...failure, state: 'FAILED', disabledReason };
}
