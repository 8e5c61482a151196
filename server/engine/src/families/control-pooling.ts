import { isFolder } from '../weights/diffusers-folder.ts';
import { FolderFiles } from '../weights/folder-files.ts';
import { readJsonFile } from '../weights/json-file.ts';
import { readSideCar } from './side-car.ts';

/**
 * Whether a ControlNet's residuals are averaged over the picture, as `shuffle` was trained. Its weights do not tell: a
 * folder's config.json does (`global_pool_conditions`), or the configuration beside a file (`global_average_pooling`).
 */
export async function isControlPooled(path: string): Promise<boolean> {
  if (!(await isFolder(path))) return (await readSideCar(path))('global_average_pooling') === true;
  const config = await (await FolderFiles.open(path)).find('config.json');
  if (config === null) return false;
  return (await readJsonFile(config, 'config.json')).flag('global_pool_conditions') === true;
}
