import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';

const { api } = proto.temporal;

/** All that a Temporal server keeps of workflows and schedules, in the bytes that it sends: histories, memos, what is under way, what is planned. */
export async function keptBy(address: string): Promise<Buffer> {
  const connection = await Connection.connect({ address });
  const { workflowService } = new Client({ connection });
  const namespace = 'default';
  const parts: Uint8Array[] = [];
  const listed = await workflowService.listWorkflowExecutions({ namespace, pageSize: 1_000 });
  parts.push(api.workflowservice.v1.ListWorkflowExecutionsResponse.encode(listed).finish());
  for (const { execution } of listed.executions ?? []) {
    const described = await workflowService.describeWorkflowExecution({ namespace, execution });
    parts.push(api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode(described).finish());
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await workflowService.getWorkflowExecutionHistory({
        namespace,
        execution,
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
      });
      parts.push(api.history.v1.History.encode(page.history ?? {}).finish());
      nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
    } while (nextPageToken !== undefined);
  }
  const { schedules } = await workflowService.listSchedules({ namespace, maximumPageSize: 100 });
  for (const { scheduleId } of schedules ?? []) {
    const schedule = await workflowService.describeSchedule({ namespace, scheduleId });
    parts.push(api.workflowservice.v1.DescribeScheduleResponse.encode(schedule).finish());
  }
  await connection.close();
  return Buffer.concat(parts);
}
