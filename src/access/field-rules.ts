import type { Role } from '../db/access/roles.ts';
import { TidemarkError } from '../oci/error.ts';
import { mayAnywhere } from './viewer.ts';
import type { Viewer } from './viewer.ts';

/** The role that a field requires in some scope; `signedIn`: any login without a role. */
type FieldRule = 'signedIn' | Role;

/**
 * The first gate of the GraphQL API: each field of Query, Mutation and Subscription, with the least role that the caller must have in some
 * scope. A field without a row is refused, so a rule cannot be forgotten. Reads filter by the caller's visibility, and `may` checks each
 * object that is changed.
 */
export const fieldRules: Readonly<Record<string, FieldRule>> = {
  'Query.node': 'signedIn',
  'Query.repository': 'signedIn',
  'Query.repositories': 'signedIn',
  'Query.distribution': 'signedIn',
  'Query.distributions': 'signedIn',
  'Query.remote': 'signedIn',
  'Query.remotes': 'signedIn',
  'Query.credential': 'signedIn',
  'Query.credentials': 'signedIn',
  'Query.task': 'signedIn',
  'Query.tasks': 'signedIn',
  'Query.versionDiff': 'signedIn',
  'Query.schedule': 'signedIn',
  'Query.schedules': 'signedIn',
  'Query.signaturePolicy': 'signedIn',
  'Query.signaturePolicies': 'signedIn',
  'Query.mirrorRule': 'signedIn',
  'Query.mirrorRules': 'signedIn',
  'Query.proxy': 'signedIn',
  'Query.proxies': 'signedIn',
  'Query.webhook': 'signedIn',
  'Query.webhooks': 'signedIn',
  'Query.viewer': 'signedIn',
  'Query.estate': 'signedIn',
  'Query.search': 'signedIn',
  'Query.clientConfiguration': 'signedIn',
  'Query.configuration': 'signedIn',
  'Query.tokens': 'admin',
  'Query.grants': 'admin',
  'Mutation.repositoryCreate': 'maintainer',
  'Mutation.repositoryUpdate': 'maintainer',
  'Mutation.repositoryDelete': 'maintainer',
  'Mutation.repositoryDetach': 'maintainer',
  'Mutation.repositorySync': 'maintainer',
  'Mutation.repositoryTag': 'pusher',
  'Mutation.repositoryCopyContent': 'pusher',
  'Mutation.repositoryUntag': 'maintainer',
  'Mutation.repositoryRemoveContent': 'maintainer',
  'Mutation.repositoryRestoreVersion': 'maintainer',
  'Mutation.distributionCreate': 'maintainer',
  'Mutation.distributionUpdate': 'maintainer',
  'Mutation.distributionDelete': 'maintainer',
  'Mutation.distributionPoint': 'maintainer',
  'Mutation.remoteCreate': 'maintainer',
  'Mutation.remoteUpdate': 'maintainer',
  'Mutation.remoteDelete': 'maintainer',
  'Mutation.remoteTest': 'maintainer',
  'Mutation.credentialCreate': 'maintainer',
  'Mutation.credentialUpdate': 'maintainer',
  'Mutation.credentialDelete': 'maintainer',
  'Mutation.tagRelease': 'maintainer',
  'Mutation.taskCancel': 'maintainer',
  'Mutation.scheduleCreate': 'maintainer',
  'Mutation.scheduleUpdate': 'maintainer',
  'Mutation.scheduleDelete': 'maintainer',
  'Mutation.schedulePause': 'maintainer',
  'Mutation.scheduleResume': 'maintainer',
  'Mutation.scheduleTrigger': 'maintainer',
  'Mutation.mirrorRuleCreate': 'maintainer',
  'Mutation.mirrorRuleUpdate': 'maintainer',
  'Mutation.mirrorRuleDelete': 'maintainer',
  'Mutation.mirrorRuleRun': 'maintainer',
  'Mutation.proxyCreate': 'maintainer',
  'Mutation.proxyUpdate': 'maintainer',
  'Mutation.proxyDelete': 'maintainer',
  'Mutation.webhookCreate': 'maintainer',
  'Mutation.webhookUpdate': 'maintainer',
  'Mutation.webhookDelete': 'maintainer',
  'Mutation.webhookRotateSecret': 'maintainer',
  'Mutation.webhookTest': 'maintainer',
  'Mutation.webhookRedeliver': 'maintainer',
  'Mutation.signaturePolicyCreate': 'maintainer',
  'Mutation.signaturePolicyUpdate': 'maintainer',
  'Mutation.signaturePolicyDelete': 'maintainer',
  'Mutation.configurationApply': 'maintainer',
  'Mutation.contentCollect': 'admin',
  'Mutation.contentVerify': 'admin',
  'Mutation.secretsRotate': 'admin',
  'Mutation.tokenCreate': 'admin',
  'Mutation.tokenRevoke': 'admin',
  'Mutation.grantCreate': 'admin',
  'Mutation.grantDelete': 'admin',
  'Subscription.taskProgress': 'signedIn',
};

/**
 * @param field As in the table.
 * @throws TidemarkError `FORBIDDEN`
 */
export function checkField(viewer: Viewer, field: string): void {
  if (viewer.kind === 'everybody') return;
  const rule = Object.hasOwn(fieldRules, field) ? fieldRules[field] : undefined;
  const name = field.slice(field.indexOf('.') + 1);
  if (rule === undefined) throw forbidden(`${name} has no rule that lets anybody use it.`);
  if (rule === 'signedIn' ? viewer.kind !== 'anonymous' : mayAnywhere(viewer, rule)) return;
  throw forbidden(`${name} needs the role ${rule}, which ${JSON.stringify(viewer.name)} has for nothing.`);
}

export function forbidden(what: string): TidemarkError {
  return new TidemarkError('FORBIDDEN', `${what} An administrator can grant roles with grantCreate.`, {
    origin: 'caller',
    status: 403,
  });
}
