// SPDX-License-Identifier: Apache-2.0
// How simulated Pods and Nodes behave: kwok Stages, steered per Pod by annotations that may be changed at any time.
//   sandbox.gke-persistent-ip.dev/ready: "false"            runs but is not Ready; take it away and it becomes Ready
//   sandbox.gke-persistent-ip.dev/ready-after: 3s           becomes Ready so long after it started (or last changed)
//   sandbox.gke-persistent-ip.dev/stuck: "true"             stays in ContainerCreating
//   sandbox.gke-persistent-ip.dev/terminate-after: 5s       takes so long to end after its deletion
//   sandbox.gke-persistent-ip.dev/stuck-terminating: "true" never ends
//   sandbox.gke-persistent-ip.dev/phase: Failed             ends by itself (or Succeeded)
// The stages exclude each other, so the outcome never depends on kwok's weights.
import { stringify } from "yaml";

export const STEERING = "sandbox.gke-persistent-ip.dev";

interface Requirement {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  values?: string[];
}

interface StageSpec {
  name: string;
  kind: "Pod" | "Node";
  when: Requirement[];
  /** jq expression that answers a Go duration. */
  delayFrom?: string;
  delayMs?: number;
  status?: string;
  remove?: boolean;
}

/** The kwok configuration, YAML. Pods in `leaveAlone` namespaces, or all of them, are nobody's business here. */
export function stagesYaml(leaveAlone: string[] | "all"): string {
  return [...podStages(leaveAlone), ...nodeStages()].map((spec) => stringify(stage(spec))).join("---\n");
}

const is = (key: string, ...values: string[]): Requirement => ({ key, operator: "In", values });
const isNot = (key: string, ...values: string[]): Requirement => ({ key, operator: "NotIn", values });
const has = (key: string): Requirement => ({ key, operator: "Exists" });
const lacks = (key: string): Requirement => ({ key, operator: "DoesNotExist" });
const annotation = (name: string): string => `.metadata.annotations["${STEERING}/${name}"]`;
const condition = (type: string): string => `.status.conditions.[] | select( .type == "${type}" ) | .status`;

// A Pod with readiness gates is Ready only when someone has set each of them; this is the first one that is not.
const UNMET_GATE = '[.spec.readinessGates[]?.conditionType] - [.status.conditions[]? | select(.status == "True") | .type] | .[0]';

function ourPods(leaveAlone: string[] | "all"): Requirement[] {
  // Without any stage kwok takes its own ones; these are never true, for every Pod has a namespace.
  if (leaveAlone === "all") return [lacks(".metadata.namespace")];
  return leaveAlone.length > 0 ? [isNot(".metadata.namespace", ...leaveAlone)] : [];
}

function podStages(leaveAlone: string[] | "all"): StageSpec[] {
  const ours = ourPods(leaveAlone);
  const alive = [...ours, lacks(".metadata.deletionTimestamp"), isNot(".status.phase", "Failed", "Succeeded")];
  const fresh = [...alive, lacks(".status.podIP")];
  const running = [...alive, is(".status.phase", "Running"), has(".status.podIP"), lacks(annotation("phase"))];
  const name = (kind: "Pod"): Pick<StageSpec, "kind"> => ({ kind });
  return [
    {
      ...name("Pod"),
      name: "pod-stuck",
      when: [...fresh, is(annotation("stuck"), "true"), lacks(".status.containerStatuses.[].name")],
      status: POD_STUCK,
    },
    { ...name("Pod"), name: "pod-start", when: [...fresh, isNot(annotation("stuck"), "true")], status: POD_START },
    {
      ...name("Pod"),
      name: "pod-ready",
      when: [...running, isNot(condition("Ready"), "True"), isNot(annotation("ready"), "false"), lacks(UNMET_GATE)],
      delayFrom: annotation("ready-after"),
      status: readyStatus(true),
    },
    {
      ...name("Pod"),
      name: "pod-unready",
      when: [...running, is(condition("Ready"), "True"), is(annotation("ready"), "false")],
      status: readyStatus(false),
    },
    {
      ...name("Pod"),
      name: "pod-gate-unmet",
      when: [...running, is(condition("Ready"), "True"), isNot(annotation("ready"), "false"), has(UNMET_GATE)],
      status: conditionsText([["Ready", false, "ReadinessGatesNotReady"]]),
    },
    {
      ...name("Pod"),
      name: "pod-ends",
      when: [...alive, is(".status.phase", "Running"), is(annotation("phase"), "Failed", "Succeeded")],
      status: endedStatus(`index .metadata.annotations "${STEERING}/phase"`),
    },
    {
      ...name("Pod"),
      name: "pod-complete",
      when: [...running, is(".metadata.ownerReferences.[].kind", "Job")],
      delayMs: 500,
      status: endedStatus('"Succeeded"'),
    },
    {
      ...name("Pod"),
      name: "pod-delete",
      when: [
        ...ours,
        has(".metadata.deletionTimestamp"),
        isNot(annotation("stuck-terminating"), "true"),
        // Grace 0 is what our own deletion leaves on a Pod that a finalizer holds; deleting it over and over would not help.
        isNot(".metadata.deletionGracePeriodSeconds | tostring", "0"),
      ],
      delayFrom: annotation("terminate-after"),
      remove: true,
    },
  ];
}

function nodeStages(): StageSpec[] {
  return [
    { kind: "Node", name: "node-ready", when: [isNot(condition("Ready"), "True")], status: NODE_READY },
    // The lease is the heartbeat; this only refreshes the conditions now and then, as a kubelet does.
    { kind: "Node", name: "node-heartbeat", when: [is(condition("Ready"), "True")], delayMs: 300_000, status: NODE_HEARTBEAT },
  ];
}

function stage(spec: StageSpec): object {
  const duration = { durationMilliseconds: spec.delayMs ?? 0 };
  const from = spec.delayFrom ? { durationFrom: { expressionFrom: spec.delayFrom } } : {};
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name: spec.name },
    spec: {
      resourceRef: { apiGroup: "v1", kind: spec.kind },
      selector: { matchExpressions: spec.when },
      delay: { ...duration, ...from },
      next: spec.remove ? { delete: true } : { statusTemplate: spec.status },
    },
  };
}

type ConditionLine = [type: string, status: boolean, reason?: string];

function conditionsText(conditions: ConditionLine[]): string {
  const lines = conditions.map(
    ([type, status, reason = ""]) => `- type: ${type}
  status: "${status ? "True" : "False"}"
  reason: "${reason}"
  message: ""
  lastTransitionTime: {{ Now | Quote }}`,
  );
  return `conditions:\n${lines.join("\n")}\n`;
}

function readyStatus(ready: boolean): string {
  const reason = ready ? undefined : "ContainersNotReady";
  return `${conditionsText([
    ["Ready", ready, reason],
    ["ContainersReady", ready, reason],
  ])}containerStatuses:
{{ range .status.containerStatuses }}
- name: {{ .name | Quote }}
  ready: ${ready}
{{ end }}
`;
}

function endedStatus(phase: string): string {
  return `${conditionsText([
    ["Ready", false, "PodCompleted"],
    ["ContainersReady", false, "PodCompleted"],
  ])}{{ $phase := ${phase} }}
phase: {{ $phase }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    running: null
    terminated:
      exitCode: {{ if eq $phase "Failed" }}1{{ else }}0{{ end }}
      reason: {{ if eq $phase "Failed" }}Error{{ else }}Completed{{ end }}
      finishedAt: {{ Now | Quote }}
{{ end }}
`;
}

const POD_STUCK = `${conditionsText([
  ["PodReadyToStartContainers", false],
  ["Initialized", true],
  ["Ready", false, "ContainersNotReady"],
  ["ContainersReady", false, "ContainersNotReady"],
])}hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
phase: Pending
startTime: {{ Now | Quote }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    waiting:
      reason: ContainerCreating
{{ end }}
`;

// Ready at once unless something says otherwise, so that the usual Pod costs one write.
const POD_START = `{{ $now := Now }}
{{ $a := or .metadata.annotations dict }}
{{ $ready := and (ne (or (index $a "${STEERING}/ready") "") "false") (not (index $a "${STEERING}/ready-after")) (not .spec.readinessGates) }}
conditions:
- type: PodReadyToStartContainers
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
- type: Initialized
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ range $type := (list "Ready" "ContainersReady") }}
- type: {{ $type }}
  status: {{ if $ready }}"True"{{ else }}"False"{{ end }}
  reason: {{ if $ready }}""{{ else }}ContainersNotReady{{ end }}
  message: ""
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: {{ $ready }}
  started: true
  restartCount: 0
  state:
    waiting: null
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
phase: Running
startTime: {{ $now | Quote }}
`;

const NODE_HEARTBEAT = `conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ Now | Quote }}
{{ end }}
`;

const NODE_READY = `conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
{{ end }}
phase: Running
`;
