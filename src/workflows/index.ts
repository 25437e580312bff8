// Temporal's bundler takes one entry: each export is a workflow.
export { syncRepository } from './sync-repository.ts';
export { scheduledSync } from './scheduled-sync.ts';
export { collectContent, verifyContent } from './upkeep.ts';
