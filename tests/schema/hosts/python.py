# SPDX-License-Identifier: Apache-2.0
# A small Python language host for tests: the Pulumi CLI cannot be had with its own one here (it is no Go module of the proxy). The protocol and the
# program are real; what stands in is who starts the program. As "python.py --run ARGS" it is that program's process.
import argparse
import asyncio
import json
import os
import runpy
import subprocess
import sys
from concurrent import futures

VERSION = "1.0.0"


def run_program() -> None:
    """Runs the program of the working folder as a stack."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", action="store_true")
    for name in ("monitor", "engine", "project", "stack", "organization", "root", "parallel"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--dry-run", action="store_true")
    args = parser.parse_args()
    import pulumi
    import pulumi.runtime

    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=args.project,
            stack=args.stack,
            monitor=args.monitor,
            engine=args.engine,
            organization=args.organization,
            root_directory=args.root,
            parallel=int(args.parallel or 0),
            dry_run=args.dry_run,
        )
    )
    sys.path.insert(0, os.getcwd())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: runpy.run_path("__main__.py", run_name="__main__")))
    except Exception as error:  # the engine is told, as by the real host, and the process ends with an error
        pulumi.log.error(str(error))
        sys.exit(32)


def serve() -> None:
    """Serves pulumirpc.LanguageRuntime until the CLI ends this process; the first line is the port."""
    import grpc
    from google.protobuf import empty_pb2
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

    class Host(language_pb2_grpc.LanguageRuntimeServicer):
        def __init__(self, engine: str) -> None:
            self.engine = engine

        def GetPluginInfo(self, request, context):
            return plugin_pb2.PluginInfo(version=VERSION)

        def Handshake(self, request, context):
            self.engine = request.engine_address
            return language_pb2.LanguageHandshakeResponse()

        def GetRequiredPackages(self, request, context):
            return language_pb2.GetRequiredPackagesResponse()

        def GetRequiredPlugins(self, request, context):
            return language_pb2.GetRequiredPluginsResponse()

        def InstallDependencies(self, request, context):
            return iter(())

        def Cancel(self, request, context):
            return empty_pb2.Empty()

        def Run(self, request, context):
            command = [sys.executable, os.path.abspath(__file__), "--run"]
            command += ["--monitor", request.monitor_address, "--engine", self.engine]
            command += ["--project", request.project, "--stack", request.stack, "--organization", request.organization]
            command += ["--root", request.info.root_directory, "--parallel", str(request.parallel)]
            command += ["--dry-run"] if request.dryRun else []
            env = {
                **os.environ,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            }
            # The port's line is all that may stand on standard output.
            done = subprocess.run(command, cwd=request.info.program_directory or request.pwd, env=env, stdout=sys.stderr)
            if done.returncode == 32:
                return language_pb2.RunResponse(bail=True)
            return language_pb2.RunResponse(error="" if done.returncode == 0 else f"program ended with {done.returncode}")

    engine = [a for a in sys.argv[1:] if not a.startswith("-")][-1:]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(engine[0] if engine else ""), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    run_program() if "--run" in sys.argv else serve()
