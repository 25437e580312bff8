import { assumeLogins, readStanding } from '../../access/standing.ts';
import { may } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { Webhook } from '../../db/schema/webhooks/webhooks.ts';
import type { Route, UnroutedEvent } from '../../db/webhooks/route-events.ts';
import { openGlobs } from '../../selection/globs.ts';
import { hasHarborForm } from '../../webhooks/event-names.ts';
import type { ActivityDeps } from '../deps.ts';

/**
 * Which webhooks are told of which events: those whose filters match, and whose last editor may read the repository now. An event of a repository
 * that is deleted counts by its name.
 */
export async function chooseRoutes(
  { logins }: Pick<ActivityDeps, 'logins'>,
  em: Em,
  webhooks: readonly Webhook[],
  events: readonly UnroutedEvent[],
): Promise<Route[]> {
  const settings = logins ?? (await assumeLogins(em));
  const viewers = new Map<string, Viewer>();
  const routes: Route[] = [];
  for (const webhook of webhooks) {
    const key = JSON.stringify(webhook.madeBy ?? null);
    const viewer = viewers.get(key) ?? (await readStanding(em, webhook.madeBy, settings));
    viewers.set(key, viewer);
    const wants = openFilter(webhook);
    for (const event of events)
      if (wants(event) && may(viewer, 'reader', event.repositoryName ?? ''))
        routes.push({ webhookId: webhook.id, eventId: event.id });
  }
  return routes.toSorted((one, other) => one.eventId - other.eventId);
}

function openFilter({ events, repositories, format }: Webhook): (event: UnroutedEvent) => boolean {
  const isNamed = openGlobs(events);
  const isInRepository = openGlobs(repositories);
  return ({ name, repositoryName }) =>
    isNamed(name) && isInRepository(repositoryName ?? '') && (format !== 'HARBOR' || hasHarborForm(name));
}
