package topics

// RepositoryDue is the subject of the writer's due schedules.
func (t Topics) RepositoryDue() string { return t.join("cycles", "repository", "due") }

// RepositorySchedule is the subject of one of the writer's own schedules.
func (t Topics) RepositorySchedule(name string) string {
	return t.join("cycles", "repository", "schedule", Escape(name))
}
