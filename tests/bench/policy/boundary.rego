# A boundary policy of Kata's shape for `make bench`: what a guest answers its host by. The program appends policy_data, one entry a
# container, until the text has some 80 KB. Written for measuring: the shipped boundary policy is another file.
package agent_policy

import rego.v1

default CreateContainerRequest := false
default ExecProcessRequest := false
default StartContainerRequest := true
default ReadStreamRequest := false

CreateContainerRequest := {"ops": ops, "allowed": true} if {
	some wanted in policy_data.containers
	print("trying", wanted.name)
	not seen(input.container_id)
	same_process(wanted.OCI.Process, input.OCI.Process)
	same_root(wanted.OCI.Root, input.OCI.Root)
	same_mounts(wanted.OCI.Mounts, input.OCI.Mounts)
	same_annotations(wanted.OCI.Annotations, input.OCI.Annotations)
	same_linux(wanted.OCI.Linux, input.OCI.Linux)
	count(input.devices) <= count(wanted.devices)
	every storage in input.storages { storage_known(wanted, storage) }
	ops := [{"op": "add", "path": concat("/", ["", "pstate", input.container_id]), "value": wanted.name}]
}

seen(id) if data.pstate[id]

same_process(p, i) if {
	p.Terminal == i.Terminal
	p.Cwd == i.Cwd
	p.NoNewPrivileges == i.NoNewPrivileges
	same_user(p.User, i.User)
	same_args(p.Args, i.Args)
	every entry in i.Env { env_known(p.Env, entry) }
	every kind in ["Ambient", "Bounding", "Effective", "Inheritable", "Permitted"] {
		every capability in i.Capabilities[kind] { capability in expanded(p.Capabilities[kind]) }
	}
}

same_user(p, i) if {
	p.UID == i.UID
	p.GID == i.GID
	{g | some g in i.AdditionalGids} == {g | some g in p.AdditionalGids}
}

same_args(p, i) if {
	count(p) == count(i)
	every n, arg in i { arg_matches(p[n], arg) }
}

arg_matches(p, i) if p == i

arg_matches(p, i) if {
	contains(p, "$(host-name)")
	regex.match(replace(p, "$(host-name)", policy_data.common.host_name), i)
}

expanded(list) := policy_data.common.default_caps if list == ["$(default_caps)"]
else := list

env_known(wanted, entry) if entry in wanted

env_known(wanted, entry) if {
	[name, value] := split(entry, "=")
	regex.match(policy_data.common.env_name, name)
	regex.match(policy_data.common.env_value, value)
	count(wanted) > 0
}

same_root(p, i) if {
	p.Readonly == i.Readonly
	regex.match(p.Path, i.Path)
}

same_mounts(p, i) if {
	every mount in i {
		some wanted in p
		wanted.destination == mount.destination
		wanted.type_ == mount.type_
		{o | some o in mount.options} == {o | some o in wanted.options}
		regex.match(wanted.source, mount.source)
	}
}

same_annotations(p, i) if {
	every key, value in i { annotation_known(p, key, value) }
}

annotation_known(p, key, value) if p[key] == value

annotation_known(_, key, value) if {
	some rule in policy_data.common.annotations
	regex.match(rule.key, key)
	regex.match(rule.value, value)
}

same_linux(p, i) if {
	{n.Type | some n in i.Namespaces} == {n.Type | some n in p.Namespaces}
	every path in p.MaskedPaths { path in i.MaskedPaths }
	every path in p.ReadonlyPaths { path in i.ReadonlyPaths }
}

storage_known(wanted, storage) if {
	some s in wanted.storages
	s.driver == storage.driver
	s.fstype == storage.fstype
	regex.match(s.mount_point, storage.mount_point)
}

ExecProcessRequest if {
	some wanted in policy_data.containers
	wanted.name == data.pstate[input.container_id]
	some command in wanted.exec_commands
	regex.match(command, concat(" ", input.process.Args))
	same_user(wanted.OCI.Process.User, input.process.User)
}

ExecProcessRequest if {
	concat(" ", input.process.Args) in policy_data.request_defaults.ExecProcessRequest
}

