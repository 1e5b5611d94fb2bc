// SPDX-License-Identifier: Apache-2.0
// A gate for clusters where no controller of ours runs: a Job that ends when the API server serves the kinds that come next. GKE installs them minutes
// after a cluster is there, and Pulumi waits for a Job to end, so nothing sleeps and nothing hopes (pulumi.md 3.3). Discovery needs no rights.
import type * as pulumi from "@pulumi/pulumi";
import { Job } from "@pulumi/kubernetes/batch/v1/job";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace";
import { apiVersionOf, KINDS } from "../controller/api";
import { IMAGE, LABELS } from "./controllerPod";

const MOUNT = "/var/run/secrets/gate";
export const GATE = "persistent-ip-crds";
/** Kinds that Gateways, routes and Pod networks are made of. */
export const AWAITED: readonly string[] = [KINDS.gateway, KINDS.route, KINDS.network, KINDS.paramSet].map(
  (k) => `${apiVersionOf(k)}/${k.plural}`,
);

/** Arguments after it: folder with token and certificate, then kinds as GROUP/VERSION/PLURAL. Asks every two seconds; ends when all are there. */
export const GATE_SCRIPT = [
  `"use strict";`,
  `const fs=require("node:fs"),https=require("node:https");const [dir,...want]=process.argv.slice(1);`,
  `const e=process.env;const get=(path)=>new Promise((done)=>{`,
  `const r=https.get({host:e.KUBERNETES_SERVICE_HOST,port:e.KUBERNETES_SERVICE_PORT,path,timeout:5000,`,
  `ca:fs.readFileSync(dir+"/ca.crt"),headers:{authorization:"Bearer "+fs.readFileSync(dir+"/token","utf8")}},(a)=>{`,
  `let t="";a.on("data",(d)=>t+=d).on("end",()=>{try{done(a.statusCode===200?JSON.parse(t).resources:[])}catch{done([])}})});`,
  `r.on("timeout",()=>r.destroy()).on("error",()=>done([]))});`,
  `const missing=async()=>{const left=[];for(const w of want){const [g,v,p]=w.split("/");`,
  `if(!(await get("/apis/"+g+"/"+v)).some((r)=>r.name===p))left.push(w)}return left};`,
  `let said="";const look=async()=>{const left=await missing();const text=left.join(", ");`,
  `if(text!==said)console.log(text?"waiting for: "+text:"all served");said=text;`,
  `if(text)setTimeout(look,2000)};look();`,
].join("");

export interface GatePlan {
  parent: pulumi.Resource;
  name: string;
  namespace: string;
  image: string | undefined;
  dependsOn: pulumi.Input<pulumi.Resource>[];
}

/** Namespace and Job; whatever depends on the component comes after both. */
export function crdGate({ parent, name, namespace, image, dependsOn }: GatePlan): void {
  const space = new Namespace(`${name}-namespace`, { metadata: { name: namespace, labels: LABELS } }, { parent, dependsOn });
  const sources = [
    { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
  ];
  const container = {
    name: "gate",
    image: image ?? IMAGE,
    command: ["node", "-e", GATE_SCRIPT, MOUNT, ...AWAITED],
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "96Mi" } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
    volumeMounts: [{ name: "api", mountPath: MOUNT, readOnly: true }],
  };
  const user = {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    fsGroup: 65532,
    seccompProfile: { type: "RuntimeDefault" },
  };
  new Job(
    `${name}-crds`,
    {
      metadata: { name: GATE, namespace, labels: LABELS },
      spec: {
        backoffLimit: 20,
        template: {
          metadata: { labels: { ...LABELS, "app.kubernetes.io/component": "gate" } },
          spec: {
            restartPolicy: "OnFailure",
            automountServiceAccountToken: false,
            securityContext: user,
            containers: [container],
            volumes: [{ name: "api", projected: { sources } }],
          },
        },
      },
    },
    // Once open it stays open: another image or script is no reason to wait again.
    { parent, dependsOn: [...dependsOn, space], ignoreChanges: ["spec"], customTimeouts: { create: "30m" } },
  );
}
