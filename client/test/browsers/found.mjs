// Where a program is: on the path, or in a folder whose name has a machine's word in it.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export function program(name) {
  const place = process.env.PATH.split(":").find((folder) => existsSync(join(folder, name)));
  if (!place) throw new Error(`${name} is not there`);
  return join(place, name);
}

/** A file in a folder whose name has one star. */
export function globSync(pattern, name) {
  const [before, after] = pattern.split("*");
  const found = readdirSync(before).map((one) => before + one + after + "/" + name).find(existsSync);
  if (!found) throw new Error(`${pattern}/${name} is not there`);
  return found;
}
