import type { ChangedTag, MessageBody, MessageSource, TagChanges, WebhookMessage } from './message.ts';

/** The JSON of Harbor's notifications: `PUSH_ARTIFACT`, `DELETE_ARTIFACT` and `REPLICATION`. */
export function toHarborEvent(message: WebhookMessage, source: MessageSource): MessageBody {
  const event = {
    ...bodyOf(message, source),
    occur_at: secondsOf(message.occurredAt),
    operator: operatorOf(message),
  };
  return { contentType: 'application/json; charset=utf-8', text: JSON.stringify(event) };
}

function bodyOf(message: WebhookMessage, source: MessageSource): object {
  switch (message.name) {
    case 'repository.version.created':
      return artifactEvent(message, source);
    case 'repository.sync.completed':
    case 'repository.sync.failed':
      return { type: 'REPLICATION', event_data: { replication: replicationOf(message, source) } };
    default:
      return { type: 'TEST', event_data: {} };
  }
}

/** A version that only removes tags is a deletion. */
function artifactEvent({ data, repository }: WebhookMessage, source: MessageSource): object {
  const { sample } = data['tags'] as TagChanges;
  const name = repository?.name ?? '';
  const present = sample.filter(({ change }) => change !== 'REMOVED');
  const isDeletion = present.length === 0 && sample.length > 0;
  const resources = (isDeletion ? sample : present).map((tag) => resourceOf(tag, name, source));
  return {
    type: isDeletion ? 'DELETE_ARTIFACT' : 'PUSH_ARTIFACT',
    event_data: { resources, repository: repositoryOf(name) },
  };
}

function resourceOf({ tag, digest, previousDigest }: ChangedTag, name: string, source: MessageSource) {
  return {
    digest: digest ?? previousDigest ?? '',
    tag,
    resource_url: `${hostOf(source)}${name}:${tag}`,
  };
}

/** The first part of a name stands for Harbor's project. */
function repositoryOf(fullName: string) {
  const [namespace = '', ...rest] = fullName.split('/');
  const isAlone = rest.length === 0;
  return {
    name: isAlone ? fullName : rest.join('/'),
    namespace: isAlone ? '' : namespace,
    repo_full_name: fullName,
    repo_type: 'private',
  };
}

function replicationOf({ name, data, repository }: WebhookMessage, source: MessageSource) {
  const isDone = name === 'repository.sync.completed';
  const status = isDone ? 'Success' : 'Failed';
  const fullName = repository?.name ?? '';
  const { namespace } = repositoryOf(fullName);
  const artifact = { type: 'image', status, name_tag: fullName };
  const reason = textOf(data['message']);
  return {
    harbor_hostname: hostOf(source).replace(/\/$/, ''),
    job_status: status,
    artifact_type: 'image',
    override_mode: true,
    trigger_type: triggerOf(data),
    execution_timestamp: secondsOf(new Date(textOf(data['startedAt']))),
    src_resource: { registry_type: 'docker-registry', endpoint: textOf(data['upstreamHost']) },
    dest_resource: { registry_type: 'harbor', endpoint: source.publicUrl ?? '', namespace },
    ...(isDone
      ? { successful_artifact: [artifact] }
      : { failed_artifact: [{ ...artifact, fail_reason: reason }] }),
  };
}

function operatorOf({ name, data }: WebhookMessage): string {
  return name.startsWith('repository.sync.') ? triggerOf(data) : 'tidemark';
}

function triggerOf(data: Readonly<Record<string, unknown>>): string {
  return data['trigger'] === 'SCHEDULE' ? 'scheduled' : 'manual';
}

/** Host and port with a slash; empty where the server does not know its address. */
function hostOf({ publicUrl }: MessageSource): string {
  return publicUrl === undefined ? '' : `${new URL(publicUrl).host}/`;
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
