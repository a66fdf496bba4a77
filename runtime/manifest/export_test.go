package manifest

import "github.com/camena-io/camena/events"

// Commands returns the commands of a resource.
func (w *Resource) Commands() []events.Command { return w.commands }

// Removal returns the commands that undo a resource.
func (w *Resource) Removal() []events.Command { return w.removal }

// Main returns the index of the main command.
func (w *Resource) Main() int { return w.main }

// File returns where a resource was read.
func (w *Resource) File() string { return w.file }
