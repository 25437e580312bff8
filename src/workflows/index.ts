// Temporal's bundler takes one entry: each export is a workflow.
export { syncRepository } from './sync-repository.ts';
export { scheduledSyncs } from './scheduled-syncs.ts';
export { runMirrorRule } from './run-mirror-rule.ts';
export { deliverWebhooks } from './deliver-webhooks.ts';
export { collectContent, verifyContent } from './upkeep.ts';
