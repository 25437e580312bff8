import { graphql } from '../graphql/graphql.ts';

/** The settings that the form changes. */
export const WebhookSettings = graphql(`
  fragment WebhookSettings on Webhook @_unmask {
    name
    url
    events
    repositories
    format
    enabled
  }
`);

export const WebhookFormQuery = graphql(
  `
    query WebhookForm($id: ID!, $known: Boolean!) {
      webhook(id: $id) @include(if: $known) {
        id
        ...WebhookSettings
      }
    }
  `,
  [WebhookSettings],
);

export const CreateWebhook = graphql(`
  mutation CreateWebhook($input: WebhookCreateInput!) {
    webhookCreate(input: $input) {
      secret
      webhook {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const UpdateWebhook = graphql(`
  mutation UpdateWebhook($input: WebhookUpdateInput!) {
    webhookUpdate(input: $input) {
      webhook {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const DeleteWebhook = graphql(`
  mutation DeleteWebhook($input: WebhookDeleteInput!) {
    webhookDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const RotateWebhookSecret = graphql(`
  mutation RotateWebhookSecret($input: WebhookRotateSecretInput!) {
    webhookRotateSecret(input: $input) {
      secret
      webhook {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const TestWebhook = graphql(`
  mutation TestWebhook($input: WebhookTestInput!) {
    webhookTest(input: $input) {
      delivery {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const Redeliver = graphql(`
  mutation Redeliver($input: WebhookRedeliverInput!) {
    webhookRedeliver(input: $input) {
      delivery {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);
