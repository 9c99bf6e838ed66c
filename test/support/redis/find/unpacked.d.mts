/** How to start a program from unpacked packages: through their own loader, with their own libraries. */
export function commandIn(root: string, name: string): [string, ...string[]];
