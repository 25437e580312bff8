import type { Command } from 'commander';
import { Option } from 'commander';
import { findNamed, given, mutatePayload } from '../../api-calls.ts';
import { addClientCommand, collect } from '../../command.ts';
import type { Choose, Client } from '../../command.ts';
import { readPassword } from '../../read-password.ts';
import { addList } from '../list-command.ts';
import { age, localTime, printJson } from '../print.ts';
import { addDelete, addShow, addUpdate, listOrNull } from '../thing-commands.ts';
import type { Thing } from '../thing-commands.ts';
import { addDeliveries } from './delivery-commands.ts';

interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly repositories: readonly string[];
  readonly format: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly lastDeliveredAt: string | null;
  readonly earlierSecretUntil: string | null;
}

interface Changes {
  readonly event?: readonly string[];
  readonly repository?: readonly string[];
  readonly format?: keyof typeof formats;
  readonly secretStdin?: boolean;
}

const formats = { cloudevents: 'CLOUDEVENTS', harbor: 'HARBOR' } as const;

const webhook: Thing<Changes & { readonly url?: string; readonly enabled?: boolean }> = {
  noun: 'webhook',
  argument: '<webhook>',
  fields: 'id name url events repositories format enabled disabledReason lastDeliveredAt earlierSecretUntil',
  setUp: withChanges,
  read: readChanges,
};

/** Endpoints that are told of events. */
export function addWebhooks(program: Command, choose: Choose): void {
  addList<Webhook>(program, choose, {
    usage: 'webhooks',
    text: 'list webhooks: endpoints that are told of new versions and of syncs',
    list: () => ({
      key: 'webhooks',
      connection: 'webhooks',
      nodes: webhook.fields,
      noun: 'webhook',
      columns: ['WEBHOOK', 'URL', 'EVENTS', 'REPOSITORIES', 'STATE', 'DELIVERED'],
      row: (one) => [
        one.name,
        one.url,
        one.events.join(', ') || 'all',
        one.repositories.join(', ') || 'all',
        stateOf(one),
        age(one.lastDeliveredAt),
      ],
      none: 'There are no webhooks.',
    }),
  });
  const parent = program
    .command('webhook')
    .description('show, create, change, test or delete a webhook, and show its deliveries');
  addShow<Webhook>(parent, choose, webhook, {
    text: 'show a webhook; its secret is never shown',
    lines: describe,
  });
  addWebhookCreate(parent, choose);
  addUpdate(parent, choose, webhook, {
    mutation: 'webhookUpdate',
    text: 'change a webhook; deliveries that wait are sent as it then says',
    setUp: (command) =>
      command
        .option('--url <url>', 'another endpoint')
        .option('--enabled', 'send events, also after the server has disabled it')
        .option('--no-enabled', 'send nothing; deliveries that wait fail'),
  });
  addDelete(parent, choose, webhook, {
    mutation: 'webhookDelete',
    text: 'delete a webhook with its deliveries',
  });
  addClientCommand(parent, choose, {
    usage: 'rotate-secret <webhook>',
    text: 'make a new secret and print it once; the present one signs as well for a day',
    run: async (client, [name = '']) => {
      const { id } = await findNamed(client.session, 'webhook', name);
      const { secret } = await save(client, 'webhookRotateSecret', { id });
      return printSecret(client, { secret }, `The secret of the webhook ${name}, which is shown once:`);
    },
  });
  addDeliveries(parent, choose);
}

function addWebhookCreate(parent: Command, choose: Choose): void {
  addClientCommand<Changes>(parent, choose, {
    usage: 'create <webhook> <url>',
    text: 'create a webhook, and print its secret once',
    setUp(command) {
      withChanges(command);
      command.addHelpText(
        'after',
        "\nExample:\n  $ tidemark webhook create ci https://ci.example/hooks/tidemark --event 'repository.sync.*' --repository 'team/**'",
      );
    },
    run: async (client, [name = '', url = ''], options) => {
      const input = { name, url, ...given(await readChanges(client, options)) };
      const { webhook: made, secret } = await save(client, 'webhookCreate', input);
      const line = `Created the webhook ${name}.`;
      if (secret === null) return printSecret(client, { webhook: made }, line);
      return printSecret(client, { webhook: made, secret }, `${line} Its secret, which is shown once:`);
    },
  });
}

interface Saved {
  readonly webhook: object | null;
  readonly secret: string | null;
}

function save(client: Client, mutation: string, input: object): Promise<Saved> {
  const selection = `webhook { ${webhook.fields} } secret`;
  return mutatePayload<Saved>(client.session, mutation, { selection, input });
}

/** The secret alone goes to standard output, so that it can be piped. */
function printSecret(client: Client, json: Partial<Saved>, line: string): number {
  if (client.json) return printJson(client, json);
  const { terminal } = client;
  if (json.secret == null) terminal.print(line);
  else {
    terminal.note(line);
    terminal.print(json.secret);
  }
  return 0;
}

function describe(one: Webhook): [string, string | null][] {
  return [
    ['webhook', one.name],
    ['id', one.id],
    ['url', one.url],
    ['events', one.events.join(', ') || 'all'],
    ['repositories', one.repositories.join(', ') || 'all'],
    ['format', one.format],
    ['state', stateOf(one)],
    ['last delivered', localTime(one.lastDeliveredAt)],
    ['earlier secret until', localTime(one.earlierSecretUntil)],
  ];
}

function stateOf({ enabled, disabledReason }: Webhook): string {
  if (enabled) return 'enabled';
  return disabledReason === null ? 'disabled' : `disabled: ${disabledReason}`;
}

function withChanges(command: Command): void {
  command
    .option('--event <glob>', "only events that match: 'repository.sync.*'; repeatable; '' for all", collect)
    .option('--repository <glob>', "only repositories that match: 'team/**'; repeatable; '' for all", collect)
    .addOption(new Option('--format <format>', 'the form of the messages').choices(Object.keys(formats)))
    .option('--secret-stdin', 'read the secret (whsec_…) from standard input');
}

async function readChanges(
  client: Client,
  options: Changes & { readonly url?: string; readonly enabled?: boolean },
): Promise<Readonly<Record<string, unknown>>> {
  return {
    url: options.url,
    enabled: options.enabled,
    events: listOrNull(options.event),
    repositories: listOrNull(options.repository),
    format: options.format === undefined ? undefined : formats[options.format],
    secret: options.secretStdin === true ? await readPassword(client.interrupt.signal) : undefined,
  };
}
