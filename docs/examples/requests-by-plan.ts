import { byUser, type PolicyOptions } from 'nestjs-redis-rate-limit';

const perMinute = new Map([
  ['free', 60],
  ['gold', 600],
]);

/** Each user has the limit of their plan; without a known plan, and for anonymous requests, it is 60. */
export const requests: PolicyOptions = {
  limit: (context) => {
    const { user } = context.switchToHttp().getRequest<{ user?: { plan?: string } }>();
    return perMinute.get(user?.plan ?? 'free') ?? 60;
  },
  window: '1m',
  key: byUser,
  phase: 'late', // after your guards: before them there is no user
};
