// The dwf extension {{name}}: what a command means where there is a Makefile.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const name, version = "{{name}}", "0.1.0"

// Start here: the file by which a folder is known, and what each command runs there.
const file = "Makefile"

var commands = []struct {
	name  string
	words []string
}{
	{"test:unit", []string{"make", "test"}},
}

type object = map[string]any

type params struct {
	Protocols []int
	Project   struct{ Root, Dir string }
	Command   string
	Args      []string
}

func failure(code int, message string, data object) object {
	return object{"error": object{"code": code, "message": message, "data": data}}
}

func reply(id json.RawMessage, answer object) object {
	answer["jsonrpc"], answer["id"] = "2.0", id
	return answer
}

func initialize(p params) object {
	for _, protocol := range p.Protocols {
		if protocol == 1 {
			return object{"result": object{"protocol": 1, "extension": object{"name": name, "version": version}}}
		}
	}
	return failure(1001, "this extension speaks protocol 1", object{"supported": []int{1}})
}

func describe(p params) object {
	result := object{"applies": false, "because": []string{"no " + file}, "reads": []string{file}}
	if found, err := os.Stat(filepath.Join(p.Project.Root, p.Project.Dir, file)); err == nil && found.Mode().IsRegular() {
		offered := []object{}
		for _, command := range commands {
			offered = append(offered, object{"name": command.name, "summary": strings.Join(command.words, " ")})
		}
		result["applies"], result["because"], result["commands"] = true, []string{file}, offered
	}
	return object{"result": result}
}

func resolve(p params) object {
	known := []string{}
	for _, command := range commands {
		known = append(known, command.name)
		if command.name == p.Command {
			args := append([]string{}, command.words[1:]...)
			for _, arg := range p.Args {
				args = append(args, strings.ReplaceAll(arg, "$", "$$")) // a lone $ starts a placeholder
			}
			steps := []object{{"program": command.words[0], "args": args}}
			return object{"result": object{"action": object{"steps": steps}}}
		}
	}
	return failure(2001, "unknown command", object{"known": known})
}

// The methods, each with the member that its parameters cannot be without.
var methods = map[string]struct {
	answer func(params) object
	needs  string
}{
	"initialize":       {initialize, "protocols"},
	"project/describe": {describe, "project"},
	"command/resolve":  {resolve, "command"},
}

// respond gives the answer to a line; a notification gets none.
func respond(line []byte) object {
	var request struct {
		ID, Params json.RawMessage
		Method     *string
	}
	if !json.Valid(line) {
		return reply(nil, failure(-32700, "the line is not JSON", object{}))
	}
	if err := json.Unmarshal(line, &request); err != nil || request.Method == nil {
		return reply(nil, failure(-32600, "not a request", object{}))
	}
	if request.ID == nil {
		return nil
	}
	var p params
	var given map[string]json.RawMessage
	method, known := methods[*request.Method]
	if !known {
		return reply(request.ID, failure(-32601, "unknown method", object{}))
	}
	if json.Unmarshal(request.Params, &given); given[method.needs] == nil {
		return reply(request.ID, failure(-32602, "the parameters have no "+method.needs, object{}))
	}
	if err := json.Unmarshal(request.Params, &p); err != nil {
		return reply(request.ID, failure(-32602, "the parameters do not fit: "+err.Error(), object{}))
	}
	return reply(request.ID, method.answer(p))
}

func main() {
	arguments := strings.Join(os.Args[1:], " ")
	if arguments == "--version" {
		fmt.Println("devflow-ext-" + name + " " + version)
		return
	}
	if os.Getenv("DWF_EXT_PROTOCOLS") == "" || arguments != "--stdio" {
		fmt.Fprintln(os.Stderr, "devflow-ext-"+name+" is an extension of dwf; run it through dwf")
		os.Exit(64)
	}
	wire := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // from here on, what is printed goes to standard error
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if answer := respond(line); len(strings.TrimSpace(string(line))) > 0 && answer != nil {
			wire.Encode(answer)
		}
		if err != nil {
			return
		}
	}
}
