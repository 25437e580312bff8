/** The workflow type, of which an installation has one run at most. The API starts and wakes it by name. */
export const webhookWorkflowType = 'deliverWebhooks';

/** The signal: there are new events or deliveries. */
export const webhooksDueSignal = 'webhooksDue';
