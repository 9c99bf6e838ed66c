import { Injectable } from '@nestjs/common';
import type { DecisionEvent, NearLimitEvent, Observer } from 'nestjs-redis-rate-limit';

/** The most policies that are counted by name. All others are counted together. */
const MOST_POLICIES = 50;

/** What became of the requests that a policy judged, since this instance started. */
export interface PolicyCounts {
  allowed: number;
  denied: number;
  /** In shadow: these would have been denied. */
  wouldDeny: number;
  nearLimit: number;
}

/** An observer: the rate limiter calls it within requests, so it only counts. It keeps no keys. */
@Injectable()
export class DecisionCounts implements Observer {
  private readonly counts = new Map<string, PolicyCounts>();

  decided({ policy = 'all policies', cost, by, allowed, passed, shadow }: DecisionEvent): void {
    // The page looks at quotas with a cost of 0, which are not requests. Lists decide before the cost is known.
    if (cost <= 0 && by !== 'list') return;
    const counts = this.of(policy);
    if (shadow && !allowed) counts.wouldDeny++;
    else if (passed) counts.allowed++;
    else if (!allowed) counts.denied++;
    // Otherwise another policy denied the request.
  }

  nearLimit({ policy }: NearLimitEvent): void {
    this.of(policy).nearLimit++;
  }

  get all(): ({ policy: string } & PolicyCounts)[] {
    return Array.from(this.counts, ([policy, counts]) => ({ policy, ...counts }));
  }

  private of(policy: string): PolicyCounts {
    const name = this.counts.has(policy) || this.counts.size < MOST_POLICIES ? policy : 'others';
    let counts = this.counts.get(name);
    if (!counts) this.counts.set(name, (counts = { allowed: 0, denied: 0, wouldDeny: 0, nearLimit: 0 }));
    return counts;
  }
}
