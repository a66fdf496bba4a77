package topics

// CoordinatorDue is the subject of the coordinator's due schedules.
func (t Topics) CoordinatorDue() string { return t.join("cycles", "coordinator", "due") }

// CoordinatorSchedule is the subject of one of the coordinator's own schedules.
func (t Topics) CoordinatorSchedule(name string) string {
	return t.join("cycles", "coordinator", "schedule", Escape(name))
}
