import { graphql } from '../graphql/graphql.ts';

export const CreateSchedule = graphql(`
  mutation CreateSchedule($input: ScheduleCreateInput!) {
    scheduleCreate(input: $input) {
      schedule {
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

export const UpdateSchedule = graphql(`
  mutation UpdateSchedule($input: ScheduleUpdateInput!) {
    scheduleUpdate(input: $input) {
      schedule {
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

export const DeleteSchedule = graphql(`
  mutation DeleteSchedule($input: ScheduleDeleteInput!) {
    scheduleDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);
