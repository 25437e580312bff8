import type { MessageBody, MessageSource, WebhookMessage } from './message.ts';

const typePrefix = 'dev.tidemark.';
/** As many as numbers up to 2^53 have. */
const sequenceDigits = 16;

/** CloudEvents 1.0 in structured JSON, with the extension `sequence`, whose values sort as texts. */
export function toCloudEvent(message: WebhookMessage, source: MessageSource): MessageBody {
  const { id, sequence, name, occurredAt, repository, data } = message;
  const event = {
    specversion: '1.0',
    id,
    source: sourceOf(source),
    type: `${typePrefix}${name}`,
    ...(repository === null ? {} : { subject: repository.name }),
    time: occurredAt.toISOString(),
    sequence: String(sequence).padStart(sequenceDigits, '0'),
    datacontenttype: 'application/json',
    data: repository === null ? data : { repository, ...data },
  };
  return { contentType: 'application/cloudevents+json; charset=utf-8', text: JSON.stringify(event) };
}

function sourceOf({ installation, publicUrl }: MessageSource): string {
  return publicUrl ?? `urn:tidemark:${installation}`;
}
