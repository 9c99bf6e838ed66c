import type { ApplicationConfig } from '@nestjs/core';
import { few, shown } from '../../../core/shown.js';
import type { Plans } from '../../plan/plans.js';
import { placeOf, type Route } from '../../plan/routes.js';
import type { Rule } from '../../plan/rule.js';
import { guardsBehindOurs } from '../is-guarded-by.js';
import { keyText } from '../summary/rule-text.js';

/**
 * Warns about policies that count by the user and have `phase: 'early'`: no guard has set the user by then, so they count
 * by the address. It is not an error, because middleware may set the user.
 */
export function warnOfEarlyUsers(plans: Plans, warn: (message: string) => void): void {
  const places = placesWhere(plans, ({ phase, use }) => phase === 'early' && use.key?.phase === 'late');
  if (places.length === 0) return;
  warn(
    `request.user is not set yet where these policies run, so they count by the address: ${few(places)}. ` +
      "They say phase: 'early', which is before your guards. Leave phase out, unless middleware sets request.user.",
  );
}

/** The same where the application binds the guard itself, and a guard that may set the user comes after ours. */
export function warnOfGuardsBehind(plans: Plans, config: ApplicationConfig, warn: (message: string) => void): void {
  const isLate = ({ phase }: Rule): boolean => phase === 'late';
  const places = placesWhere(plans, isLate, (route) => guardsBehindOurs(config, route).length > 0);
  if (places.length === 0) return;
  warn(
    `RateLimitGuard runs before other guards, so these policies do not see a user that those set, and count by the address: ` +
      `${few(places)}. Bind it last, as in @UseGuards(AuthGuard, RateLimitGuard).`,
  );
}

/** `CatsController.find (policy "login", key byUser)`, once for each. */
function placesWhere(
  plans: Plans,
  isMeant: (rule: Rule) => boolean,
  isAt: (route: Route) => boolean = () => true,
): string[] {
  const places = plans.routes.filter(isAt).flatMap((route) =>
    plans
      .for(route)
      .all.filter(isMeant)
      .map((rule) => `${placeOf(route)} (policy ${shown(rule.name)}, ${keyText(rule)})`),
  );
  return [...new Set(places)];
}
