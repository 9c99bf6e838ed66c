import type { ExecutionContext } from '@nestjs/common';

/** What the client sent, not checked: functions of policies run before pipes. */
export const bodyOf = (context: ExecutionContext): unknown =>
  context.switchToHttp().getRequest<{ body?: unknown }>().body;
