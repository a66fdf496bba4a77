package connectors

// Conflicts returns the reasons of the conflicts that are kept, by their keys.
func (c *Context) Conflicts() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	reasons := make(map[string]string, len(c.conflicts))
	for key, h := range c.conflicts {
		reasons[key] = h.reason
	}
	return reasons
}
