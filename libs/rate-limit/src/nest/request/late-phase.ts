import type { CanActivate, ExecutionContext } from '@nestjs/common';

/**
 * All guards of a call share its context. The early phase leaves the guard of the late one there: so each application of
 * a process has its own, although they share their controllers, and with them the guards that decorators name.
 */
const LATE = Symbol.for('nestjs-redis-rate-limit/late');

type SharedContext = ExecutionContext & { [LATE]?: CanActivate };

export function leaveLatePhase(context: SharedContext, guard: CanActivate): void {
  context[LATE] = guard;
}

/**
 * Stands at the end of a handler's guards, where everybody else's have run. An object and not a class, of which Nest would
 * make an instance by itself, in each application and module.
 */
export const latePhase: CanActivate = {
  canActivate: (context: SharedContext) => context[LATE]?.canActivate(context) ?? true,
};
