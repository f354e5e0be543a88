/**
 * The constructs for your own templates: extend {@link ClaudeWorkspaceTemplate} and write it with
 * {@link writeTemplateFolder}. `infra/examples/sidecar.ts` is a complete example.
 */
export { sessionRow } from "./constructs/dashboard.ts";
export { FileScript, type FileScriptProps } from "./constructs/file-script.ts";
export { HomeVolume, type HomeVolumeProps } from "./constructs/home-volume.ts";
export { NetworkPolicy, type NetworkPolicyProps } from "./constructs/network-policy.ts";
export {
  ChoiceParameter,
  NumberParameter,
  type NumberParameterProps,
  type ParameterProps,
  SwitchParameter,
  TextParameter,
} from "./constructs/parameters.ts";
export { SessionApps, type SessionAppsProps } from "./constructs/session-apps.ts";
export { SetupScript, type SetupScriptProps } from "./constructs/setup-script.ts";
export { WorkspacePod, type WorkspacePodProps } from "./constructs/workspace-pod.ts";
export type { Program } from "./program.ts";
export { readSettings, type Settings, SettingsError } from "./settings.ts";
export { HelperModule } from "./stacks/helper-module.ts";
export { WorkspaceTemplate as ClaudeWorkspaceTemplate } from "./stacks/workspace-template.ts";
export { type TemplateFolder, writeModuleFolder, writeTemplateFolder } from "./template-folder.ts";
